"""Folders of finished runs: found and read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from peftsp.errors import RunError
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.model.checks import check_types
from peftsp.runs import (
    FORMAT,
    LOGS,
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    RUN_FILE,
    VERSION,
    Cost,
    DatasetIdentity,
    RunRecord,
)

_POSITIONS = ("cleavage_site", "membrane_start", "predicted_site")
_ENDS = ("n_region_end", "h_region_end", "c_region_end")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where it is.
        record: What it was and what it cost.
        predictions: A row for each test protein, columns as in `peftsp.runs.PREDICTION_COLUMNS`.
        curves: Logged values, a row for each step and a column for each name; NaN where a step has
            none.
    """

    folder: Path
    record: RunRecord
    predictions: pd.DataFrame
    curves: pd.DataFrame


def find_runs(places: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Find runs in folders and in the folders below them.

    Returns:
        Folders of finished runs, and of those that are not finished or too old to be reported.

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
        for folder in sorted({place, *(path for path in place.rglob("*") if path.is_dir())}):
            if (folder / RUN_FILE).is_file() and (folder / PREDICTIONS_FILE).is_file():
                finished[folder.resolve()] = folder
            elif any((folder / name).is_dir() for name in (LOGS, "checkpoints", "bundle")):
                unfinished[folder.resolve()] = folder
    if not finished:
        found = f"{len(unfinished)} that are not finished" if unfinished else "no run"
        raise RunError(
            f"{', '.join(names)}: expected finished runs with {RUN_FILE} and {PREDICTIONS_FILE}, "
            f"found {found}"
        )
    return list(finished.values()), list(unfinished.values())


def read_run(folder: Path) -> Run:
    """Read a finished run.

    Raises:
        RunError: A file is missing or broken.
    """
    return Run(folder, _read_record(folder), _read_predictions(folder), _read_curves(folder))


def _read_record(folder: Path) -> RunRecord:
    path = folder / RUN_FILE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RunError(f"{path}: expected JSON, found {error}") from error
    kind = (content.get("format"), content.get("version")) if isinstance(content, dict) else None
    if kind != (FORMAT, VERSION):
        raise RunError(f"{path}: expected {FORMAT} of version {VERSION}, found {kind}")
    values = {name: value for name, value in content.items() if name not in ("format", "version")}
    try:
        dataset = DatasetIdentity(**values.pop("dataset"))
        cost = Cost(**values.pop("cost"))
        record = RunRecord(dataset=dataset, cost=cost, **values)
    except (TypeError, KeyError) as error:
        expected = ", ".join(field.name for field in fields(RunRecord))
        raise RunError(f"{path}: expected the keys {expected}, found: {error}") from error
    for part in (dataset, cost, record):
        check_types(part, str(path), RunError)
    return record


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
    named = {"kingdom": KINGDOMS, "sp_type": SP_TYPES, "predicted_type": SP_TYPES}
    for column, names in named.items():
        _check(path, rows[column].isin(names), column, f"one of {', '.join(names)}", rows)
    numbers = ("partition", *_POSITIONS, *_ENDS, *SP_TYPES)
    for column in numbers:
        number = pd.to_numeric(rows[column], errors="coerce")
        may_be_empty = column in (*_POSITIONS, *_ENDS)
        is_right = number.notna() | (rows[column].isna() & may_be_empty)
        _check(path, is_right, column, "a number", rows)
        rows[column] = number
    _check(path, ~rows["accession"].duplicated(), "accession", "each protein once", rows)
    return rows


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
