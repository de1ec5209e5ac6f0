"""Formats by name, and files that appear whole or not at all."""

from datetime import datetime

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.formats.base import OutputFormat, RunFacts
from peftsp.inference.formats.registry import FORMATS, find_formats, write_formats

FACTS = RunFacts(0, "other", "model", datetime(2026, 1, 1), 1, False)


def write_two(read, folder, facts):
    (folder / "table.txt").write_text("new")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "1.txt").write_text("new")


def fail(read, folder, facts):
    (folder / "table.txt").write_text("half")
    raise OSError("no space left")


def test_names_are_found_once_each():
    assert [found.name for found in find_formats(["gff3", "csv", "gff3"])] == ["gff3", "csv"]


def test_every_format_says_what_it_writes():
    for name, choice in FORMATS.items():
        assert choice.name == name
        assert choice.description


def test_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match=r"--formats: expected some of csv, .* found 'xls'"):
        find_formats(["csv", "xls"])


def test_missing_package_is_named(monkeypatch):
    needy = OutputFormat("needy", "", write_two, requires=("no_such_package",))
    monkeypatch.setitem(FORMATS, "needy", needy)
    with pytest.raises(ConfigError, match=r"--formats needy: expected the package no_such_pack"):
        find_formats(["needy"])


def test_files_and_folders_replace_earlier_ones(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "old.txt").write_text("old")
    (tmp_path / "table.txt").write_text("old")
    choice = OutputFormat("two", "", write_two)
    written = write_formats([choice], lambda: iter(()), tmp_path, FACTS)
    assert written == (tmp_path / "pictures", tmp_path / "table.txt")
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["1.txt"]
    assert (tmp_path / "table.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "table.txt"]


def test_failed_format_leaves_the_earlier_file(tmp_path):
    (tmp_path / "table.txt").write_text("old")
    with pytest.raises(OSError, match="no space left"):
        write_formats([OutputFormat("one", "", fail)], lambda: iter(()), tmp_path, FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["table.txt"]
    assert (tmp_path / "table.txt").read_text() == "old"
