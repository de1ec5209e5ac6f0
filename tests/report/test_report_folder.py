"""A report takes the place of an earlier one, whole, and of nothing else."""

import json
from pathlib import Path

import pytest

from peftsp.errors import ConfigError, RunError
from peftsp.report.folder import check_output, new_report


def files_in(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def report(tmp_path):
    """Folder of an earlier report."""
    folder = tmp_path / "above" / "report"
    with new_report(folder) as partial:
        (partial / "report.html").write_text("page")
        (partial / "tables" / "old.csv").write_text("1")
    return folder


def test_a_report_lists_what_it_wrote(report):
    check_output(report)
    content = files_in(report)
    assert json.loads(content.pop("report.json"))["files"] == ["report.html", "tables/old.csv"]
    assert content == {"report.html": "page", "tables/old.csv": "1"}
    assert [path.name for path in report.parent.iterdir()] == ["report"]


def test_a_new_one_takes_the_place_of_the_old_and_leaves_what_is_not_its_own(report):
    (report / "notes.txt").write_text("mine")
    check_output(report)
    with new_report(report) as partial:
        (partial / "report.html").write_text("another")
        (partial / "figures" / "new.svg").write_text("2")
    content = files_in(report)
    assert json.loads(content.pop("report.json"))["files"] == ["figures/new.svg", "report.html"]
    assert content == {"report.html": "another", "figures/new.svg": "2", "notes.txt": "mine"}


def test_what_fails_leaves_the_old_one(report):
    before = files_in(report)
    with (
        pytest.raises(ConfigError, match="expected a place to write"),
        new_report(report) as partial,
    ):
        (partial / "not there" / "page.html").write_text("half")
    assert files_in(report) == before
    assert [path.name for path in report.parent.iterdir()] == ["report"]


def put_page_and_table(report):
    with new_report(report) as partial:
        (partial / "report.html").write_text("another")
        (partial / "tables" / "new.csv").write_text("2")


@pytest.mark.parametrize(("step", "name"), [("unlink", "old.csv"), ("replace", "new.csv")])
def test_no_page_stands_beside_half_of_its_tables(report, monkeypatch, step, name):
    unharmed = getattr(Path, step)

    def fail_at_tables(path, *arguments, **options):
        if path.name == name:
            raise OSError("no space")
        return unharmed(path, *arguments, **options)

    monkeypatch.setattr(Path, step, fail_at_tables)
    with pytest.raises(ConfigError, match="no space"):
        put_page_and_table(report)
    assert not (report / "report.html").exists()
    monkeypatch.undo()
    put_page_and_table(report)
    assert (report / "report.html").read_text() == "another"


def test_a_folder_that_is_new_or_empty_may_be_written_to(tmp_path):
    check_output(tmp_path)
    check_output(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def refusal(folder):
    with pytest.raises(RunError) as caught:
        check_output(folder)
    [line] = str(caught.value).splitlines()
    return line


def test_what_no_report_wrote_is_named(tmp_path, report):
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file") == (
        f"{tmp_path}/file: expected a folder for the report, found a file"
    )
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected an empty folder or an earlier report with its report.json, "
        "found other files"
    )
    (report / "tables" / "deep").mkdir()
    (report / "tables" / "deep" / "mine.csv").touch()
    assert refusal(report) == (
        f"{report}/tables/deep/mine.csv: expected what an earlier report wrote, found another file"
    )


@pytest.mark.parametrize(
    "files",
    [
        ["../report.html"],
        ["tables/../../thesis.tex"],
        ["/etc/passwd"],
        ["notes.txt"],
        ["report.json"],
        [3],
        "report.html",
        None,
    ],
)
def test_a_list_that_names_what_is_elsewhere_is_refused(report, files):
    (report.parent / "thesis.tex").write_text("years of work")
    (report / "notes.txt").write_text("mine")
    (report / "report.json").write_text(json.dumps({"files": files}))
    before = files_in(report.parent)
    message = f"{report}/report.json: expected the files of an earlier report, found something else"
    assert refusal(report) == message
    with pytest.raises(RunError), new_report(report) as partial:
        (partial / "report.html").write_text("another")
    assert files_in(report.parent) == before
