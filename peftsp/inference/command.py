"""What the commands that predict have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.errors import PeftspError
from peftsp.inference.source import STANDARD_INPUT
from peftsp.labels import SP_TYPES
from peftsp.records import SURE_SITE

if TYPE_CHECKING:
    from peftsp.inference.run import RunSummary


def run_command(predict: Callable[[], str], interruption: str) -> int:
    """Print what was done, or on standard error why it was not.

    Args:
        predict: Does it and says so.
        interruption: What to say when the user interrupts it.

    Returns:
        Exit status: 0 done, 2 an error that the user can mend, 130 interrupted.
    """
    try:
        print(predict())
    except (PeftspError, OSError) as error:
        print(" ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(interruption, file=sys.stderr)
        return 130
    return 0


def sentence(summary: RunSummary) -> str:
    """A run in one line."""
    speed = summary.predicted / max(summary.seconds, 1e-9)
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
        f"({speed:,.0f} a second); of {total:,} in all: {counts}{unsure}{skipped}; "
        f"see {', '.join(map(str, summary.files))}"
    )


def interruption(fasta: Sequence[str], *, is_fresh: bool) -> str:
    """What becomes of an interrupted run.

    Args:
        fasta: The inputs, ``-`` for standard input.
        is_fresh: Whether the run was told to start anew.
    """
    if STANDARD_INPUT in fasta:
        return "interrupted; a run on standard input starts anew"
    without = " without --fresh" if is_fresh else ""
    return f"interrupted; the same command{without} resumes it"


def folder(text: str) -> Path:
    """A folder's path, for `argparse`; an empty one would be the current folder.

    >>> folder("out").name
    'out'
    """
    if not text.strip():
        raise argparse.ArgumentTypeError(f"expected the name of a folder, found {text!r}")
    return Path(text)


def positive(text: str) -> int:
    """A number of at least one, for `argparse`.

    >>> positive("64")
    64
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, found {text!r}")
    return number
