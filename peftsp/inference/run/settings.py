"""What a run is to do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from peftsp.inference.compute.options import ModelSettings, check_count
from peftsp.inference.formats.base import OutputFormat
from peftsp.inference.run.store import Tally

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to predict and how.

    Attributes:
        model: What predicts.
        fasta: Paths of the inputs or patterns of them; ``-`` is standard input.
        output: Folder for the files.
        formats: Output formats, or their names.
        threads: CPU threads of this process; None for one for each processor it may use.
        workers: Processes that draw pictures; None for the same.
        has_progress: Show a progress bar if standard error is a terminal.
        is_fresh: Start anew even where an interrupted run can be resumed.
        is_strict: End at the first wrong record instead of leaving it out.
        is_safe_csv: Write an apostrophe before names that spreadsheets take for formulas.

    Raises:
        ConfigError: A number is out of range.
    """

    model: ModelSettings
    fasta: tuple[str, ...]
    output: Path
    formats: tuple[str | OutputFormat, ...]
    threads: int | None = None
    workers: int | None = None
    has_progress: bool = True
    is_fresh: bool = False
    is_strict: bool = False
    is_safe_csv: bool = False

    def __post_init__(self) -> None:
        check_count("threads", self.threads)
        check_count("workers", self.workers)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        files: What was written: paths of files and folders.
        tally: Counts over all predictions.
        predicted: Proteins predicted in this run, without those of an interrupted one.
        seconds: Time that their prediction took, without loading the models in this process.
        skipped: Wrong records that were left out.
    """

    files: tuple[Path, ...]
    tally: Tally
    predicted: int
    seconds: float
    skipped: int
