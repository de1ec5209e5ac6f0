"""Names of plots are safe, short and unlike."""

import re

from hypothesis import given
from hypothesis import strategies as st

from peftsp.inference.formats.signalp6.plot_names import PlotNames, plot_file


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
