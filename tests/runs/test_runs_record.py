"""The record of a run."""

import json
from dataclasses import replace

import pytest

from peftsp.errors import RunError
from peftsp.runs.record import read_record, write_record


@pytest.mark.parametrize("has_ended", [False, True])
def test_record_is_read_as_written(make_record, tmp_path, has_ended):
    record = make_record({"peft": {"rank": 8}}, has_ended=has_ended)
    write_record(record, tmp_path)
    assert read_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_record_says_what_was_asked_for_before_it_says_what_came_of_it(make_record, tmp_path):
    write_record(make_record(has_ended=False), tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    assert all(content[name] is None for name in ("ended", "metrics", "cost"))
    assert content["dataset"]["sha256"] == "a" * 64
    write_record(replace(read_record(tmp_path), ended="later"), tmp_path)
    assert read_record(tmp_path).ended == "later"


def test_missing_record_is_named(tmp_path):
    with pytest.raises(RunError, match=r"run\.json: expected a file, found none"):
        read_record(tmp_path)
