"""Tables by kingdom and SP type, one measure each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from peftsp.report.evaluation import MEASURES, Estimate, Evaluation
from peftsp.report.table import Table
from peftsp.report.text import as_text, number

INTERVAL = "95 % bootstrap interval over proteins in brackets"
_BOTH = ["kingdom", "sp_type"]
OWN_COLUMNS = (*_BOTH, "SP type", "n")
"""Columns beside those of the methods, which may not have these names."""


def title_of(measure: str) -> str:
    """Name of a measure.

    >>> title_of("mcc2"), title_of("precision_3")
    ('MCC2', 'cleavage-site precision within 3 residues')
    """
    name, _, window = measure.partition("_")
    if not window:
        return name.upper()
    near = {"0": "exact", "1": "within 1 residue"}.get(window, f"within {window} residues")
    return f"cleavage-site {name}, exact" if near == "exact" else f"cleavage-site {name} {near}"


def measure_tables(
    evaluations: Sequence[Evaluation], published: pd.DataFrame | None
) -> list[Table]:
    """Two tables for each measure: means over folds, and all folds as one."""
    tables = []
    for measure in MEASURES:
        columns = published if measure == "mcc2" else None
        tables.append(_measure_table(evaluations, measure, columns, is_pooled=False))
        tables.append(_measure_table(evaluations, measure, columns, is_pooled=True))
    return tables


def _measure_table(
    evaluations: Sequence[Evaluation],
    measure: str,
    published: pd.DataFrame | None,
    is_pooled: bool,
) -> Table:
    of_method = {e.method.label: e.cells[e.cells["measure"] == measure] for e in evaluations}
    first = next(iter(of_method.values()))
    shown = first[_BOTH].reset_index(drop=True)
    shown["n"] = np.max([rows["n"].to_numpy() for rows in of_method.values()], axis=0)
    cells, columns = shown.copy(), {}
    kinds = ("pooled", "pooled_low", "pooled_high") if is_pooled else ("value", "low", "high")
    for label, rows in of_method.items():
        value, low, high = (rows[kind].tolist() for kind in kinds)
        sd = [float("nan")] * len(rows) if is_pooled else rows["sd"].tolist()
        shown[label] = [
            as_text(Estimate(*parts)) for parts in zip(value, low, high, sd, strict=True)
        ]
        for kind in kinds if is_pooled else (*kinds, "sd", "folds"):
            columns[f"{label} {kind}"] = rows[kind].to_numpy()
    if published is not None:
        theirs = shown[_BOTH].merge(published, how="left", on=_BOTH)
        for name in published.columns[2:]:
            columns[_title(name)] = theirs[name].to_numpy()
            shown[_title(name)] = [number(value, 2) for value in theirs[name]]
    numbers = pd.concat([cells, pd.DataFrame(columns)], axis=1)
    if measure == "mcc2":
        last = _mean_row(evaluations, published, is_pooled)
        shown = pd.concat([shown, pd.DataFrame([last])], ignore_index=True).fillna("")
    kind = "all folds as one" if is_pooled else "mean ± standard deviation over folds"
    theirs_too = "" if published is None else "; the last columns are published means over folds"
    caption = f"{title_of(measure)}: {kind}, {INTERVAL}{theirs_too}."
    name = f"{measure}_pooled" if is_pooled else measure
    return Table(name, caption, shown.rename(columns={"sp_type": "SP type"}), numbers)


def _title(name: str) -> str:
    """A column of published figures; a method that was measured may have the same name."""
    return f"{name}, published"


def _mean_row(
    evaluations: Sequence[Evaluation], published: pd.DataFrame | None, is_pooled: bool
) -> dict[str, str]:
    row = {"kingdom": "mean", "sp_type": "", "n": ""}
    for evaluation in evaluations:
        mean = evaluation.pooled_mean if is_pooled else evaluation.mean
        row[evaluation.method.label] = as_text(mean, 3)
    if published is not None:
        row |= {_title(name): number(published[name].mean(), 3) for name in published.columns[2:]}
    return row
