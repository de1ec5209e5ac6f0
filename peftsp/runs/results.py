"""Finished runs: found, and what they left read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from peftsp.errors import RunError
from peftsp.labels import KINGDOM_LABELS, SP_TYPES
from peftsp.runs.folder import BUNDLE, CHECKPOINTS
from peftsp.runs.record import (
    LOGS,
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    RUN_FILE,
    Cost,
    RunRecord,
    read_record,
)

_POSITIONS = ("cleavage_site", "membrane_start", "predicted_site")
_OF_A_RUN = (LOGS, CHECKPOINTS, BUNDLE, "wandb")
_ENDS = ("n_region_end", "h_region_end", "c_region_end")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where it is.
        record: What it was and what it cost.
        predictions: A row for each test protein, columns as in
            `peftsp.runs.record.PREDICTION_COLUMNS`, and ``protein``, unlike that of any other row.
        curves: Logged values, a row for each step and a column for each name; NaN where a step has
            none.
    """

    folder: Path
    record: RunRecord
    predictions: pd.DataFrame
    curves: pd.DataFrame

    @property
    def cost(self) -> Cost:
        """What it took."""
        assert self.record.cost is not None
        return self.record.cost


def find_runs(places: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Find runs in folders and in the folders below them.

    Returns:
        Folders of finished runs, and of those that are not finished, not tested, or have no record
        that can be read.

    Raises:
        RunError: There is no such folder, or no finished run in any.
    """
    finished: dict[Path, Path] = {}
    unfinished: dict[Path, Path] = {}
    names = []
    for place in places:
        names.append(str(place))
        if not place.is_dir():
            raise RunError(f"{place}: expected the folder of a run or one above, found no folder")
        for folder in sorted(_possible_runs(place)):
            if _is_whole(folder):
                finished[folder.resolve()] = folder
            else:
                unfinished[folder.resolve()] = folder
    if not finished:
        found = f"{len(unfinished)} that are not finished or not tested" if unfinished else "no run"
        raise RunError(
            f"{', '.join(names)}: expected finished runs with {RUN_FILE} and {PREDICTIONS_FILE}, "
            f"found {found}"
        )
    return list(finished.values()), list(unfinished.values())


def _possible_runs(place: Path) -> Iterator[Path]:
    """Folders that a run has written into, without what others make in a run's folder."""
    for folder in {place, *(path for path in place.rglob("*") if path.is_dir())}:
        has_parts = any((folder / name).is_dir() for name in (LOGS, CHECKPOINTS, BUNDLE))
        above = [folder, *folder.parents][: len(folder.relative_to(place).parts)]
        is_within = any(
            path.name in _OF_A_RUN and (path.parent / RUN_FILE).is_file() for path in above
        )
        if (has_parts or (folder / RUN_FILE).is_file()) and not is_within:
            yield folder


def read_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        RunError: A file is missing or broken.
    """
    record = read_record(folder)
    if record.cost is None:
        raise RunError(
            f"{folder / RUN_FILE}: expected a run that has ended, found one that has not"
        )
    return Run(folder, record, _read_predictions(folder), _read_curves(folder))


def _is_whole(folder: Path) -> bool:
    if not (folder / RUN_FILE).is_file() or not (folder / PREDICTIONS_FILE).is_file():
        return False
    try:
        return read_record(folder).ended is not None
    except RunError:
        return False


def _read_predictions(folder: Path) -> pd.DataFrame:
    path = folder / PREDICTIONS_FILE
    try:
        rows = pd.read_csv(path, dtype={"accession": str}, keep_default_na=False, na_values=[""])
    except (ValueError, OSError) as error:
        raise RunError(f"{path}: expected a table, found: {error}") from error
    if tuple(rows.columns) != PREDICTION_COLUMNS:
        differing = sorted(set(rows.columns) ^ set(PREDICTION_COLUMNS)) or "another order"
        raise RunError(
            f"{path}: expected the columns {', '.join(PREDICTION_COLUMNS)}; differing: {differing}"
        )
    if rows.empty:
        raise RunError(f"{path}: expected a row for each test protein, found none")
    named = {"kingdom": KINGDOM_LABELS, "sp_type": SP_TYPES, "predicted_type": SP_TYPES}
    for column, names in named.items():
        _check(path, rows[column].isin(names), column, f"one of {', '.join(names)}", rows)
    numbers = ("partition", *_POSITIONS, *_ENDS, *SP_TYPES)
    for column in numbers:
        number = pd.to_numeric(rows[column], errors="coerce")
        may_be_empty = column in (*_POSITIONS, *_ENDS)
        is_right = number.notna() | (rows[column].isna() & may_be_empty)
        _check(path, is_right, column, "a number", rows)
        # Whether some are empty must not decide the type, which runs are compared by.
        rows[column] = number.astype(float) if may_be_empty else number
    return with_proteins(rows)


def with_proteins(rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions with the column ``protein``, see `Run`."""
    # A data set may have several records of one accession, in the same order each time.
    number = rows.groupby(["accession", "partition"]).cumcount().astype(str)
    names = rows["accession"] + "/" + rows["partition"].astype(str) + "/" + number
    return rows.assign(protein=names)


def _check(path: Path, is_right: pd.Series, column: str, expected: str, rows: pd.DataFrame) -> None:
    if not is_right.all():
        place = int((~is_right).to_numpy().argmax())
        value = rows[column].iloc[place]
        found = "nothing" if pd.isna(value) else repr(str(value))
        raise RunError(f"{path}:{place + 2}: {column}: expected {expected}, found {found}")


def _read_curves(folder: Path) -> pd.DataFrame:
    """Curves of all starts of a run; where they overlap, the later start counts."""
    paths: Sequence[Path] = sorted(
        (folder / LOGS).glob("version_*/metrics.csv"),
        key=lambda path: int(path.parent.name.removeprefix("version_")),
    )
    curves = pd.DataFrame()
    for path in paths:
        try:
            table = pd.read_csv(path)
        except pd.errors.EmptyDataError:
            continue
        except (ValueError, OSError) as error:
            raise RunError(f"{path}: expected a table, found: {error}") from error
        if "step" in table:
            # Training and validation of one step have rows of their own.
            curves = table.groupby("step").last().combine_first(curves)
    return curves
