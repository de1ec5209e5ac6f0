"""What has become of a sweep's runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from peftsp.runs.folder import ERROR_LOG, RunFolder
from peftsp.sweep.plan import PlannedRun


class State(StrEnum):
    """Of a run, as its folder shows it."""

    FINISHED = "finished"
    FAILED = "failed"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Outcome:
    """What has become of a run.

    Attributes:
        folder: The run's.
        state: How it ended.
        error: Its error in one line, or what the launcher says; empty if nobody knows.
        log: Where to read more, if there is such a file.
    """

    folder: Path
    state: State
    error: str = ""
    log: Path | None = None


def outcome_of(run: PlannedRun, reported: str = "") -> Outcome:
    """Read from its folder how a run ended.

    Args:
        run: The run.
        reported: What the launcher says of it, used where the folder has no error.
    """
    log = run.folder / ERROR_LOG
    # A run that is to start over may fail before it has cleared what an earlier one finished.
    has_failed = bool(reported) and log.exists()
    if not has_failed and RunFolder(run.folder).is_finished:
        return Outcome(run.folder, State.FINISHED)
    if log.exists():
        error = log.read_text(encoding="utf-8").partition("\n")[0]
        return Outcome(run.folder, State.FAILED, error, log)
    # A process that was killed leaves no error, but the launcher knows that it ended.
    state = State.FAILED if reported else State.UNFINISHED
    return Outcome(run.folder, state, " ".join(reported.split()))


def summary(outcomes: Sequence[Outcome]) -> str:
    """The count of each state, and the runs that are not finished with what stopped them."""
    counts = {state: sum(o.state == state for o in outcomes) for state in State}
    lines = [f"{len(outcomes)} runs: {_listed(counts)}"]
    for outcome in outcomes:
        if outcome.state != State.FINISHED:
            lines.append(f"{outcome.state}: {outcome.folder}")
            lines += [f"  {outcome.error}"] if outcome.error else []
            lines += [f"  log: {outcome.log}"] if outcome.log else []
    if counts[State.FINISHED] < len(outcomes):
        lines.append("the same command goes on with those that are not finished")
    return "\n".join(lines)


def _listed(counts: Mapping[State, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)
