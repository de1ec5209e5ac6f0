"""The report command: what it says, refuses and leaves alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from peftsp.report.cli import main

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def command(tmp_path, capsys):
    """Function of further arguments that runs the command on the runs made so far."""

    def run(*arguments, output=None):
        status = main(
            [
                *(str(tmp_path / "runs"), "-o", str(output or tmp_path / "report")),
                *("--resamples", "100", "--no-progress", *arguments),
            ]
        )
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_report_is_written_and_what_is_missing_is_said(make_run, command, tmp_path):
    for fold in (0, 2):
        make_run("lora", fold)
    (make_run("lora", 4) / "run.json").unlink()
    status, said, complained = command()
    assert status == 0
    assert said == f"{tmp_path}/report/report.html: 2 runs of lora\n"
    lines = complained.splitlines()
    assert lines[0].startswith(f"skipped {tmp_path}/runs/lora-fold4")
    assert lines[1].startswith("warning: lora: no run of folds 1, 3, 4, 5")
    assert "nothing is compared" in (tmp_path / "report" / "report.html").read_text()


def test_later_report_replaces_the_earlier_and_keeps_other_files(make_run, command, tmp_path):
    make_run("lora")
    assert command()[0] == 0
    (tmp_path / "report" / "notes.txt").write_text("mine")
    make_run("prompt")
    assert command()[0] == 0
    assert "prompt" in (tmp_path / "report" / "tables" / "overall.md").read_text()
    assert (tmp_path / "report" / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


def test_folder_of_something_else_is_left_alone(make_run, command, tmp_path):
    make_run()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    status, _, complained = command(output=other)
    assert status == 2
    assert complained.endswith("an earlier report with its report.json, found other files\n")
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


def test_page_of_another_command_and_own_pictures_are_left_alone(make_run, command, tmp_path):
    make_run()
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.html").write_text("a page of predictions")
    assert command(output=other)[0] == 2
    assert (other / "report.html").read_text() == "a page of predictions"

    assert command()[0] == 0
    mine = tmp_path / "report" / "figures" / "mine.png"
    mine.write_text("x")
    status, _, complained = command()
    assert status == 2
    assert complained == f"{mine}: expected what an earlier report wrote, found another file\n"
    assert mine.read_text() == "x"
    mine.unlink()
    assert command()[0] == 0


def test_report_goes_to_the_folder_one_is_in(make_run, command, tmp_path, monkeypatch):
    make_run()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert command(output=Path())[0] == 0
    assert (tmp_path / "here" / "tables" / "overall.md").is_file()


def test_all_methods_are_compared_with_one(make_run, command, tmp_path):
    for name in ("lora", "full", "adapter"):
        make_run(name)
    assert command("--against", "lora")[0] == 0
    table = (tmp_path / "report" / "tables" / "comparison.md").read_text()
    assert [line.split(" | ")[:2] for line in table.splitlines()[2:4]] == [
        ["| adapter", "lora"],
        ["| full", "lora"],
    ]
    assert "Holm's adjustment over comparisons with lora." in table
    status, _, complained = command("--against", "dora")
    assert status == 2
    assert complained == "--against: expected one of adapter, full, lora, found dora\n"


def test_nothing_to_report_is_one_line(command, tmp_path):
    (tmp_path / "runs").mkdir()
    status, said, complained = command()
    assert (status, said) == (2, "")
    assert complained.count("\n") == 1
    assert "expected finished runs" in complained
    assert not (tmp_path / "report").exists()


def test_failure_leaves_the_earlier_report(make_run, command, tmp_path):
    make_run("lora")
    command()
    before = (tmp_path / "report" / "report.html").read_bytes()
    broken = make_run("prompt")
    (broken / "test_predictions.csv").write_text("accession\n")
    assert command()[0] == 2
    assert (tmp_path / "report" / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    "arguments", [["--resamples", "5"], ["--seed", "-1"], ["--resamples", "x"]]
)
def test_bad_numbers_are_refused(arguments, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert "expected a whole number of" in capsys.readouterr().err


def test_help_is_quick_and_module_runs():
    code = (
        "import sys, peftsp.report.cli; "
        "print(not {'torch', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
    done = subprocess.run(
        [sys.executable, "-m", "peftsp.report", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "usage: peftsp-report" in done.stdout
