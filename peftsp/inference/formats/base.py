"""What every output format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from peftsp.records import Prediction

Read = Callable[[], Iterator[Prediction]]
"""Yields all predictions of a run from the first on, as often as it is called."""


_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029", " "))


def in_one_line(header: str) -> str:
    r"""A header with a space for what some reader would take for the end of a column or line.

    >>> in_one_line("P1\tfirst\x0bone")
    'P1 first one'
    """
    return header.translate(_BREAKS)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a writer may say of the run beside its predictions.

    Attributes:
        size: Number of predictions.
        kingdom: As given: one of `peftsp.inference.compute.options.KINGDOM_NAMES`.
        model: What to call the model.
        finished: When the last protein was predicted.
        workers: Processes that may draw pictures.
        has_progress: Show a progress bar for slow writing if standard error is a terminal.
        folder: Where the files are going to lie, as given.
        is_safe_csv: Write an apostrophe before names that spreadsheets take for formulas.
    """

    size: int
    kingdom: str
    model: str
    finished: datetime
    workers: int
    has_progress: bool
    folder: Path = Path()
    is_safe_csv: bool = False


def followed(read: Read, title: str, facts: RunFacts) -> Iterator[Prediction]:
    """Yield all predictions, with a progress bar of that title where the run shows any."""
    from tqdm import tqdm

    # tqdm takes None for: off unless standard error is a terminal.
    is_off = None if facts.has_progress else True
    yield from tqdm(read(), title, facts.size, unit=" proteins", disable=is_off)


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One choice of ``--formats``.

    Attributes:
        name: The choice.
        description: A few words for the help text.
        write: Writes files or folders into a folder, from where they go to the run's folder when
            all of them are whole.
        files: Names of what it writes, those that no protein decides, so that something else in
            their place shows before a run and not behind it.
        needs_region_probabilities: Whether predictions have to hold those.
        needs_peptide_regions: Whether they have to hold those by SP type.
        requires: Modules beyond those that peftsp always has.
    """

    name: str
    description: str
    write: Callable[[Read, Path, RunFacts], None]
    files: tuple[str, ...] = ()
    needs_region_probabilities: bool = False
    needs_peptide_regions: bool = False
    requires: tuple[str, ...] = ()
