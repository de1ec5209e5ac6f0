"""What the commands that predict say of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from peftsp.files import is_there
from peftsp.inference.run.settings import STANDARD_INPUT, RunSummary
from peftsp.labels import SP_TYPES
from peftsp.records import SURE_SITE

MORE = "peftsp-predict has more options and more formats."
"""Epilog of the commands that take another program's options."""


def sentence(summary: RunSummary) -> str:
    """A run in one line."""
    speed = summary.predicted / max(summary.seconds, 1e-9)
    digits = 1 if speed < 10 else 0
    counts = ", ".join(f"{summary.tally.types[name]:,} {name}" for name in SP_TYPES)
    skipped = f"; {summary.skipped:,} records were skipped" if summary.skipped else ""
    unsure = (
        f"; {summary.tally.unsure_sites:,} cleavage sites have a probability below {SURE_SITE}"
        if summary.tally.unsure_sites
        else ""
    )
    total = summary.tally.proteins
    return (
        f"predicted {summary.predicted:,} proteins in {summary.seconds:.1f} s "
        f"({speed:,.{digits}f} a second); of {total:,} in all: {counts}{unsure}{skipped}; "
        f"see {', '.join(map(str, summary.files))}"
    )


def interruption(fasta: Sequence[str], *, is_fresh: bool) -> str:
    """What becomes of an interrupted run.

    Args:
        fasta: The inputs, ``-`` for standard input; or patterns.
        is_fresh: Whether the run was told to start anew.
    """
    if any(name == STANDARD_INPUT or _is_stream(Path(name)) for name in fasta):
        return "interrupted; a run on standard input or another stream starts anew"
    without = " without --fresh" if is_fresh else ""
    return f"interrupted; the same command{without} resumes it"


def _is_stream(path: Path) -> bool:
    return is_there(path) and not path.is_file()
