"""What is told of runs that have ended, each in its way."""

import pytest

from peftsp.runs.record import write_record
from peftsp.sweep.outcome import State, outcome_of, summary
from peftsp.sweep.plan import PlannedRun


@pytest.fixture
def runs(tmp_path, make_record):
    """A finished run, one with an error, one that left nothing."""
    (tmp_path / "good/bundle").mkdir(parents=True)
    (tmp_path / "good/bundle/config.json").touch()
    write_record(make_record(), tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/error.log").write_text("peft.rank: found 0\n\nTraceback ...\n")
    return {name: PlannedRun((), tmp_path / name) for name in ("good", "bad", "gone")}


def test_folder_tells_how_a_run_ended(runs):
    states = {name: outcome_of(run).state for name, run in runs.items()}
    assert states == {"good": State.FINISHED, "bad": State.FAILED, "gone": State.UNFINISHED}
    assert outcome_of(runs["bad"]).error == "peft.rank: found 0"


def test_launcher_tells_of_killed_runs(runs):
    killed = outcome_of(runs["gone"], "job 7:\nout of memory")
    assert (killed.state, killed.error) == (State.FAILED, "job 7: out of memory")
    assert outcome_of(runs["good"], "lost its log").state == State.FINISHED


def test_run_that_fails_before_it_starts_over_is_not_the_one_before(runs):
    (runs["good"].folder / "error.log").write_text("peft.last_k: found 99\n\nTraceback ...\n")
    failed = outcome_of(runs["good"], "PeftspError: peft.last_k: found 99")
    assert (failed.state, failed.error) == (State.FAILED, "peft.last_k: found 99")


def test_summary_names_error_and_log_of_what_is_not_finished(runs, tmp_path):
    lines = summary([outcome_of(run) for run in runs.values()]).splitlines()
    assert lines == [
        "3 runs: 1 finished, 1 failed, 1 unfinished",
        f"failed: {tmp_path}/bad",
        "  peft.rank: found 0",
        f"  log: {tmp_path}/bad/error.log",
        f"unfinished: {tmp_path}/gone",
        "the same command goes on with those that are not finished",
    ]
    assert summary([outcome_of(runs["good"])]) == "1 runs: 1 finished"
