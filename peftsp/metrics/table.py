"""The table of measures by kingdom and SP type: computed, written, shown."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.table import Table
from torch import Tensor

from peftsp.labels import KINGDOM_LABELS, NO_SP, SP_TYPES
from peftsp.metrics.cells import WINDOWS, CellCounter, Outcomes

_COLUMNS = (
    *("kingdom", "sp_type", "n", "mcc1", "mcc2"),
    *(f"precision_{window}" for window in WINDOWS),
    *(f"recall_{window}" for window in WINDOWS),
)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """How well one SP type is predicted in one kingdom.

    Attributes:
        kingdom: One of `peftsp.labels.KINGDOM_LABELS`.
        sp_type: One of `peftsp.labels.SP_TYPES` except NO_SP.
        n: Number of sequences of this kingdom and type.
        mcc1: MCC of the type against NO_SP alone.
        mcc2: MCC of the type against everything else in the kingdom.
        precision: Precision of the cleavage site for each of `WINDOWS`; NaN where none is
            predicted.
        recall: Recall of the cleavage site for each of `WINDOWS`.
    """

    kingdom: str
    sp_type: str
    n: int
    mcc1: float
    mcc2: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]


def metric_table(
    true_types: Tensor,
    predicted_types: Tensor,
    true_sites: Tensor,
    predicted_sites: Tensor,
    kingdoms: Tensor,
) -> list[MetricRow]:
    """Measure every SP type in every kingdom that has it.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        true_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        predicted_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        kingdoms: int64, ``(B,)``, indices into `peftsp.labels.KINGDOM_LABELS`.

    Returns:
        A row for each kingdom and SP type with at least one sequence, in the order of the labels.
    """
    size = len(kingdoms)
    outcomes = Outcomes(
        protein=np.arange(size),
        model=np.zeros(size, dtype=np.int64),
        kingdom=kingdoms.numpy(),
        true_type=true_types.numpy(),
        predicted_type=predicted_types.numpy(),
        true_site=true_sites.numpy(),
        predicted_site=predicted_sites.numpy(),
        proteins=size,
        models=1,
    )
    counts = CellCounter(outcomes)()
    n = counts.values[0].sum(axis=(-1, -2))
    mcc1, mcc2 = counts.mcc1()[0], counts.mcc2()[0]
    precision = np.stack([counts.precision(window)[0] for window in WINDOWS])
    recall = np.stack([counts.recall(window)[0] for window in WINDOWS])
    return [
        MetricRow(
            kingdom=KINGDOM_LABELS[k],
            sp_type=SP_TYPES[t],
            n=int(n[k, t]),
            mcc1=float(mcc1[k, t]),
            mcc2=float(mcc2[k, t]),
            precision=tuple(precision[:, k, t].tolist()),
            recall=tuple(recall[:, k, t].tolist()),
        )
        for k in range(len(KINGDOM_LABELS))
        for t in range(len(SP_TYPES))
        if t != NO_SP and n[k, t]
    ]


def as_rich_table(rows: list[MetricRow]) -> Table:
    """Lay out the rows for a terminal 80 characters wide; an undefined value is left blank.

    The columns ``precision`` and ``recall`` are of the cleavage site and show all of `WINDOWS`.
    """
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("kingdom", "SP type"):
        table.add_column(name)
    for name in ("n", "MCC1", "MCC2"):
        table.add_column(name, justify="right")
    for name in ("precision", "recall"):
        table.add_column(f"{name} ±{WINDOWS[0]}–{WINDOWS[-1]}", justify="right", no_wrap=True)
    for row in rows:
        sites = (" ".join(map(_shown, values)) for values in (row.precision, row.recall))
        table.add_row(
            row.kingdom, row.sp_type, str(row.n), _shown(row.mcc1), _shown(row.mcc2), *sites
        )
    return table


def write_csv(rows: list[MetricRow], path: Path) -> None:
    """Write the rows with full precision; an undefined value is an empty cell.

    The file appears complete or not at all.

    Args:
        rows: The table.
        path: The file, replaced if it exists; its folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for row in rows:
                writer.writerow(["" if _is_nan(cell) else cell for cell in _cells(row)])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _cells(row: MetricRow) -> tuple[str | int | float, ...]:
    return (row.kingdom, row.sp_type, row.n, row.mcc1, row.mcc2, *row.precision, *row.recall)


def _is_nan(cell: str | int | float) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
