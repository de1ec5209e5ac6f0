"""Tables beside those of every report: thresholds, calibration, false calls by group, confusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from peftsp.evaluate.figures import draw_calibration, draw_groups, draw_thresholds
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.metrics.calibration import are_graded, calibration_error
from peftsp.report.methods import Method
from peftsp.report.proteins import joined
from peftsp.report.table import Table
from peftsp.report.text import number

_NONE = SP_TYPES[NO_SP]
_THRESHOLDS = np.round(np.arange(0.01, 1.0, 0.01), 2)
_BINS = np.linspace(0, 1, 11)


def gives_probabilities(method: Method) -> bool:
    """Whether a method says how sure it is, and not only what it calls."""
    return are_graded(joined(method.runs)[list(SP_TYPES)].to_numpy(float))


def threshold_table(methods: Sequence[Method]) -> Table:
    """At which probability of a signal peptide to call one: MCC, precision and recall of each."""
    curves = pd.concat([_curve(method) for method in methods], ignore_index=True)
    best = curves.loc[curves.groupby("method", sort=False)["mcc"].idxmax()]
    shown = best[["method"]].copy()
    shown["best threshold"] = [f"{value:.2f}" for value in best["threshold"]]
    for name, title in (("mcc", "MCC"), ("precision", "precision"), ("recall", "recall")):
        shown[title] = [number(value, 3) for value in best[name]]
    at_half = curves[curves["threshold"] == 0.5].set_index("method")["mcc"]
    shown["MCC at 0.5"] = [number(at_half[name], 3) for name in best["method"]]
    caption = (
        "Signal peptide or not: the threshold on the probability of one, of any type, with the "
        "highest MCC over all proteins here. Found on these proteins, so a little too good. The "
        "CSV has the curve."
    )
    return Table("thresholds", caption, shown, curves, draw_thresholds)


def _curve(method: Method) -> pd.DataFrame:
    rows = joined(method.runs)
    is_true = (rows["sp_type"] != _NONE).to_numpy()
    probability = 1 - rows[_NONE].to_numpy(float)
    curve = []
    for threshold in _THRESHOLDS:
        called = probability >= threshold
        tp, fp = (called & is_true).sum(), (called & ~is_true).sum()
        fn, tn = (~called & is_true).sum(), (~called & ~is_true).sum()
        scale = np.sqrt(float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn))
        curve.append(
            {
                "method": method.label,
                "threshold": threshold,
                "mcc": (float(tp) * tn - float(fp) * fn) / scale if scale else 0.0,
                "precision": tp / (tp + fp) if tp + fp else float("nan"),
                "recall": tp / (tp + fn) if tp + fn else float("nan"),
            }
        )
    return pd.DataFrame(curve)


def calibration_table(methods: Sequence[Method]) -> Table:
    """How often a type called with some probability is right."""
    tables = []
    for method in methods:
        rows = joined(method.runs)
        sure = rows[list(SP_TYPES)].max(axis=1)
        right = rows["predicted_type"] == rows["sp_type"]
        places = pd.cut(sure, _BINS, include_lowest=True)
        grouped = pd.DataFrame({"sure": sure, "right": right}).groupby(places, observed=True)
        table = grouped.agg(
            proteins=("sure", "size"), probability=("sure", "mean"), right=("right", "mean")
        )
        error = calibration_error(sure.to_numpy(float), right.to_numpy(), np.ones(len(rows)))
        tables.append(table.reset_index(drop=True).assign(method=method.label, error=error))
    numbers = pd.concat(tables, ignore_index=True)[
        ["method", "probability", "right", "proteins", "error"]
    ]
    shown = numbers.assign(
        **{
            name: [number(v, 3) for v in numbers[name]]
            for name in ("probability", "right", "error")
        }
    ).rename(
        columns={
            "probability": "mean probability",
            "right": "share right",
            "error": "calibration error",
        }
    )
    caption = "How often the called type is right, by how probable it is said to be."
    return Table("calibration", caption, shown, numbers, draw_calibration)


def group_table(methods: Sequence[Method], groups: Mapping[str, str]) -> Table:
    """False calls by group: signal peptides found where there are none, missed, of another type.

    Args:
        methods: Those to show.
        groups: Of proteins by accession; others are grouped by kingdom.
    """
    tables = []
    for method in methods:
        rows = joined(method.runs)
        kingdoms = rows["kingdom"].str.lower()
        group = rows["accession"].map(groups).fillna(kingdoms)
        is_true, is_called = rows["sp_type"] != _NONE, rows["predicted_type"] != _NONE
        facts = pd.DataFrame(
            {
                "without signal peptide": ~is_true,
                "called one": ~is_true & is_called,
                "with signal peptide": is_true,
                "missed": is_true & ~is_called,
                "other type": is_true & is_called & (rows["predicted_type"] != rows["sp_type"]),
            }
        )
        table = facts.groupby(group.rename("group")).sum().reset_index()
        table.insert(0, "method", method.label)
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    caption = "False calls by group of organisms, counts of proteins."
    return Table("groups", caption, found, found, draw_groups)


def confusion_table(methods: Sequence[Method]) -> Table:
    """True types against called ones."""
    tables = []
    for method in methods:
        rows = joined(method.runs)
        counts = pd.crosstab(rows["sp_type"], rows["predicted_type"])
        types = [name for name in SP_TYPES if name in counts.index or name in counts.columns]
        table = counts.reindex(index=types, columns=types, fill_value=0).reset_index()
        table.insert(0, "method", method.label)
        tables.append(table)
    found = pd.concat(tables, ignore_index=True).fillna(0).rename(columns={"sp_type": "true type"})
    counts = found.astype({name: int for name in found.columns if name in SP_TYPES})
    return Table("confusion_counts", "True types (rows) and called ones (columns).", counts, counts)
