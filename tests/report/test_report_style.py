"""Figures that everyone can read: colours, legends that cover nothing, the same bytes each time."""

import re

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from peftsp.labels import KINGDOM_LABELS
from peftsp.report.style import (
    WIDTH,
    color_of,
    hatch_of,
    hide_spare,
    method_legend,
    paper_style,
    pretty_cell,
    save,
    wrapped,
)


def test_the_looks_of_methods_differ_until_they_come_round_again():
    looks = [(color_of(place), hatch_of(place)) for place in range(70)]
    assert len(set(looks[:35])) == 35
    assert looks[35:] == looks[:35]
    assert len({color_of(place) for place in range(7)}) == 7


def test_a_long_label_is_broken_between_words():
    lines = wrapped("lora (rank 16, target_modules q_proj, last_k 3)").split("\n")
    assert lines == ["lora (rank 16, target_modules", "q_proj, last_k 3)"]
    assert (wrapped(""), wrapped("a b", 1)) == ("", "a\nb")


@pytest.mark.parametrize("count", [1, 2, 4, 9])
@pytest.mark.parametrize("length", [4, 60])
def test_a_legend_covers_nothing_and_takes_no_room(count, length):
    heights = []
    for labels in ([], [f"{place} {'word ' * (length // 5)}" for place in range(count)]):
        with paper_style("test"):
            figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
            axes = figure.subplots()
            if labels:
                method_legend(figure, labels, [Line2D([], [], label="published")])
            figure.draw_without_rendering()
        heights.append(axes.get_position().height * figure.get_figheight())
    [legend] = figure.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == count + 1
    assert not box.overlaps(axes.get_tightbbox())
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    assert heights[1] > 0.85 * heights[0]


def drawn(folder, name):
    with paper_style(name):
        figure = Figure(figsize=(2, 1), layout="constrained")
        figure.subplots().plot([1, 2, 3])
        save(figure, name, folder)
    return (folder / f"{name}.png").read_bytes(), (folder / f"{name}.svg").read_text()


def test_a_figure_has_the_same_bytes_each_time_and_identifiers_of_its_own(tmp_path):
    first, again, other = (drawn(tmp_path, name) for name in ("mcc2", "mcc2", "sites"))
    assert first == again
    assert first[0].startswith(b"\x89PNG")
    of_first, of_other = (set(re.findall(r'<clipPath id="(\w+)"', f[1])) for f in (first, other))
    assert of_first
    assert not of_first & of_other


def test_the_style_ends_with_the_figure():
    before = mpl.rcParams["font.size"]
    with paper_style("x"):
        assert mpl.rcParams["font.size"] == 8
    assert mpl.rcParams["font.size"] == before != 8


def test_every_kingdom_can_be_shown():
    shown = [pretty_cell(kingdom, "SP").split("\n") for kingdom in KINGDOM_LABELS]
    assert {sp_type for _, sp_type in shown} == {"SP"}
    names = dict(zip(KINGDOM_LABELS, (name for name, _ in shown), strict=True))
    assert (names["POSITIVE"], names["EUKARYA"]) == ("Gram-positive", "Eukarya")
    assert len(set(names.values())) == len(KINGDOM_LABELS)


def test_spare_axes_are_hidden():
    grid = Figure().subplots(1, 3)
    hide_spare(grid, 2)
    assert [axes.axison for axes in grid] == [True, True, False]
