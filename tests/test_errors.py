"""Messages are one line that a terminal can show, whatever they quote."""

import inspect
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import peftsp
from peftsp import errors
from peftsp.errors import ConfigError, plain, tell

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if kind.__module__ == errors.__name__
]
LETTERS = "abé蛋'\\\n\r\t\x00\x1b\x9b\u2028\u202e\udce9"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Protéine 蛋白 'x' \\n", "Protéine 蛋白 'x' \\n"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("line\u2028end", r"line\u2028end"),
        ("abc\u202efdp.exe", r"abc\u202efdp.exe"),
        ("\udce9", r"\udce9"),
    ],
    ids=["plain", "lines", "colour", "separator", "backwards", "no UTF-8"],
)
def test_what_a_terminal_would_obey_is_spelt_out(text, shown):
    assert plain(text) == shown


def test_of_a_long_text_both_ends_are_kept():
    assert plain("a" * 900) == "a" * 900
    assert plain("a" * 500 + "b" * 500) == "a" * 451 + "..." + "b" * 449
    assert plain("abcdefghij", 10) == "abcdefghij"
    assert plain("abcdefghij", 5) == "abc...ij"
    assert plain("abcdefghij", 6) == "abcd...ij"


@settings(deadline=None)
@given(st.text(LETTERS), st.integers(3, 40))
def test_any_text_becomes_one_short_line(text, longest):
    line = plain(text, longest)
    assert line.isprintable()
    assert len(line) <= longest + len("...")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_one_root_and_one_line(kind):
    assert issubclass(kind, peftsp.PeftspError)
    assert str(kind("p.fasta:3: expected this,\nfound that")) == (
        r"p.fasta:3: expected this,\nfound that"
    )


def test_message_is_cut_where_it_quotes_without_end():
    assert len(str(ConfigError("x" * 10**6))) < 1000


def test_what_is_told_is_one_line_on_standard_error(capsys):
    tell("first\nsecond")
    assert capsys.readouterr() == ("", "first\\nsecond\n")


class FullDisk:
    def write(self, text):
        raise OSError("no space left")


@pytest.mark.parametrize("is_closed", [False, True])
def test_standard_error_that_takes_nothing_ends_nothing(monkeypatch, tmp_path, is_closed):
    stream = FullDisk()
    if is_closed:
        stream = (tmp_path / "log").open("w")
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    tell("on it goes")
    with pytest.raises((OSError, ValueError)):
        stream.write("on it goes")
