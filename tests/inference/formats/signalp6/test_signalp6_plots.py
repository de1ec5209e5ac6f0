"""Plots: safe and unlike names, numbers against text written by hand, a stand-in for drawing."""

import re
import sys
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from peftsp.inference.formats.signalp6.plots import PlotNames, plot_file, plot_text, write_plots
from peftsp.labels import PEPTIDE_REGIONS
from peftsp.records import Prediction, Region

COLUMNS = (
    "# pos\taa\tlabel\tOther\tSec/SPI n\tSec/SPI h\tSec/SPI c\tSec/SPII n\tSec/SPII h\t"
    "Sec/SPII cys\tTat/SPI n\tTat/SPI RR\tTat/SPI h\tTat/SPI c\tTat/SPII n\t"
    "Tat/SPII RR\tTat/SPII h\t"
    "Tat/SPII cys\tSec/SPIII P\tSec/SPIII cons.\tSec/SPIII h"
)


def line_of(start, **values):
    numbers = (f"{values.get(name, 0.0):.6f}" for name in PEPTIDE_REGIONS)
    return "\t".join((start, *numbers))


ROWS = [
    ("1\tM\tN", {"TATLIPO_n": 1.0}),
    ("2\tR\tR", {"TATLIPO_n": 0.25, "TATLIPO_rr": 0.75}),
    ("3\tL\tH", {"TATLIPO_h": 1.0}),
    ("4\tA\tC", {"TATLIPO_cys": 0.5, "TAT_c": 0.5}),
    ("5\tC\tL", {"TATLIPO_cys": 0.9, "other": 0.1}),
    ("6\tS\tO", {"SP_c": 0.6, "other": 0.4}),
    ("7\tS\tO", {"other": 1.0}),
    ("8\tS\tO", {"PILIN_cons": 1.0}),
]
TAT = "\n".join(["# Name=P1 tat", COLUMNS, *(line_of(start, **row) for start, row in ROWS), ""])


@pytest.fixture
def prediction():
    return Prediction(
        "P1\ttat",
        "TATLIPO",
        (0, 0, 0, 0, 1.0, 0),
        4,
        1.0,
        (Region("n", 1, 2), Region("h", 3, 3), Region("c", 4, 4)),
        "MRLACSSSTT",
        (Region("twin_arginine", 2, 2), Region("lipid_cysteine", 5, 5)),
        peptide_regions=tuple(
            tuple(row.get(name, 0.0) for name in PEPTIDE_REGIONS) for _, row in ROWS
        ),
    )


@pytest.fixture
def drawn(monkeypatch):
    """Headers in the order in which the stand-in was asked to draw them."""
    headers = []

    def draw(prediction):
        headers.append(prediction.header)
        return Figure(figsize=(1, 1))

    stand_in = ModuleType("peftsp.inference.formats.figure")
    stand_in.draw = draw
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    return headers


def test_numbers_of_a_protein(prediction):
    assert plot_text(prediction) == TAT


def test_label_without_signal_peptide_is_o(prediction):
    nothing = replace(prediction, sp_type="NO_SP", cleavage_site=None)
    rows = [line.split("\t") for line in plot_text(nothing).splitlines()[2:]]
    assert {row[2] for row in rows} == {"O"}


def test_numbers_need_no_drawing(prediction, facts, tmp_path, drawn):
    write_plots(lambda: iter([prediction, prediction]), tmp_path, ("txt",), facts())
    names = ["output_P1_tat_2_plot.txt", "output_P1_tat_plot.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (tmp_path / names[0]).read_text() == TAT
    assert drawn == []


def test_pictures_are_of_their_kind(prediction, facts, tmp_path, drawn):
    proteins = [replace(prediction, header=f"P{number}") for number in range(40)]
    write_plots(lambda: iter(proteins), tmp_path, ("txt", "png", "eps"), facts(size=40))
    assert drawn == [protein.header for protein in proteins]
    for protein in proteins:
        start = tmp_path / f"output_{protein.header}_plot"
        assert start.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert start.with_suffix(".eps").read_bytes().startswith(b"%!PS-Adobe")
        assert start.with_suffix(".txt").is_file()


def test_what_is_transparent_has_its_colour_on_white_in_postscript(
    prediction, facts, tmp_path, monkeypatch, caplog
):
    figure = Figure(figsize=(1, 1))
    patch = figure.add_artist(Rectangle((0, 0), 1, 1, facecolor="red", alpha=0.25, linewidth=0))
    figure.add_subplot().fill_between([0, 1], [1, 1], color="blue", alpha=0.5)
    stand_in = ModuleType("peftsp.inference.formats.figure")
    stand_in.draw = lambda prediction: figure
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    write_plots(lambda: iter([prediction]), tmp_path, ("eps",), facts(size=1))
    assert patch.get_facecolor() == (1.0, 0.75, 0.75, 1)
    assert b"1 0.75 0.75 setrgbcolor" in (tmp_path / "output_P1_tat_plot.eps").read_bytes()
    assert "transparency" not in caplog.text


def test_name_as_signalp_makes_it():
    name = PlotNames().next("Target_X  = Human IL-2 Precursor")
    assert plot_file(name, "txt") == "output_Target_X____Human_IL_2_Precursor_plot.txt"


@given(st.lists(st.one_of(st.text(min_size=1), st.sampled_from(["a", "A", "a_2", "/", ".."]))))
def test_names_are_safe_and_unlike(headers):
    names = PlotNames()
    given_names = [names.next(header) for header in headers]
    assert len({name.lower() for name in given_names}) == len(headers)
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in given_names)


def test_long_headers_stay_within_what_file_systems_take():
    names = PlotNames()
    for _ in range(3):
        assert len(plot_file(names.next("x" * 5000), "txt")) <= 255


def test_same_headers_get_the_same_names():
    headers = ["a|b", "a b", "c", "a|b"]
    first, second = PlotNames(), PlotNames()
    assert [first.next(h) for h in headers] == [second.next(h) for h in headers]
