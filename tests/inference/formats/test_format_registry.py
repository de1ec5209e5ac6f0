"""Formats by name."""

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.formats.base import OutputFormat
from peftsp.inference.formats.registry import FORMATS, find_formats


def test_names_are_found_once_each():
    assert [found.name for found in find_formats(["gff3", "csv", "gff3"])] == ["gff3", "csv"]


def test_every_format_says_what_it_writes():
    for name, choice in FORMATS.items():
        assert choice.name == name
        assert choice.description


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_writes_is_known_before_the_run(name, tmp_path, make_prediction, make_facts):
    FORMATS[name].write(lambda: iter([make_prediction()]), tmp_path, make_facts(1))
    assert {path.name for path in tmp_path.iterdir()} == set(FORMATS[name].files)


def test_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match=r"--formats: expected some of csv, .* found 'xls'"):
        find_formats(["csv", "xls"])


def test_missing_package_is_named(monkeypatch):
    needy = OutputFormat("needy", "", print, requires=("no_such_package",))
    monkeypatch.setitem(FORMATS, "needy", needy)
    with pytest.raises(ConfigError, match=r"--formats needy: expected the package no_such_pack"):
        find_formats(["needy"])
