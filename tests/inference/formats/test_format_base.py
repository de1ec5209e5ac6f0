"""What every writer shares: names in one line, and predictions with a progress bar."""

import sys
from dataclasses import replace

import pytest

from peftsp.inference.formats.base import followed, in_one_line


def test_no_character_breaks_a_line_or_column_of_a_reader():
    characters = [chr(number) for number in range(sys.maxunicode + 1)]
    breaks = "".join(c for c in characters if len(f"{c}b".splitlines()) > 1) + "\t"
    assert in_one_line(breaks) == " " * len(breaks)
    others = "".join(c for c in characters if c not in breaks)
    assert in_one_line(others) == others


def test_header_without_breaks_stays_as_it_is():
    header = "sp|P0A855 Protein  TolB, 蛋白質 \u00a0 <b>"
    assert in_one_line(header) == header
    assert in_one_line("") == ""
    assert in_one_line("a\r\nb") == "a  b"


@pytest.mark.parametrize(
    ("has_progress", "is_terminal", "has_bar"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_bar_shows_on_terminals_where_the_run_shows_any(
    make_facts, monkeypatch, capsys, has_progress, is_terminal, has_bar
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    facts = replace(make_facts(3), has_progress=has_progress)
    assert list(followed(lambda: iter("abc"), "drawing", facts)) == ["a", "b", "c"]
    shown = capsys.readouterr().err
    assert ("drawing: 100%" in shown) == bool(shown) == has_bar
    assert ("3/3" in shown) == has_bar
