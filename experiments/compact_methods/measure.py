"""Measure the predictions of nested cross-validation, with bootstrap intervals.

python experiments/compact_methods/measure.py predictions/ -o results/

Reads METHOD-fold0.csv, METHOD-fold1.csv and METHOD-fold3.csv of each method, one for each partition
trained on: a run predicts both other partitions, and the validation partition of one is the test
partition of another, so that these three are all six folds. A single METHOD.csv, of an ensemble or
of models refitted on two partitions, is one prediction of each protein instead of two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.metrics.calibration import calibration_error
from peftsp.metrics.cells import WINDOWS, CellCounter, Counts, Outcomes, mean_over
from peftsp.metrics.intervals import draw_resamples, percentile_interval
from peftsp.report.published import read_published

CELLS = [("EUKARYA", "SP")] + [(k, t) for k in KINGDOMS[1:] for t in SP_TYPES[1:]]
LARGE_CELLS = [("EUKARYA", "SP"), ("NEGATIVE", "SP"), ("NEGATIVE", "LIPO"), ("NEGATIVE", "TAT")]
SUMMARY = {
    "mean_mcc2": "mean MCC2 over cells, mean over folds",
    "pooled_mean_mcc2": "mean MCC2 over cells, folds pooled",
    "membrane_called_sp": "share of NO_SP proteins with a membrane stretch that starts in their "
    "first 40 residues that are called a signal peptide",
    "calibration_error": "expected calibration error of the type, 15 bins",
}
LATEST_MEMBRANE = 40  # residues

Array = NDArray[np.float64]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path, help="folder of the tables of predict.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    methods: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(options.predictions.glob("*.csv")):
        methods.setdefault(path.stem.partition("-fold")[0], []).append(pd.read_csv(path))
    cells, means = [], []
    for name, tables in methods.items():
        rows = pd.concat(tables, keys=range(len(tables)), names=["model"]).reset_index("model")
        found = Measures(rows)
        cells.append(found.table(options.resamples).assign(method=name))
        means.append({"method": name, **found.summary(options.resamples)})
        print(means[-1])
    columns = ["method", *[c for c in cells[0].columns if c != "method"]]
    pd.concat(cells)[columns].to_csv(options.output / "cells.csv", index=False, float_format="%.4f")
    pd.DataFrame(means).to_csv(options.output / "means.csv", index=False, float_format="%.4f")
    found = pd.concat(cells), pd.DataFrame(means)
    (options.output / "mcc2.md").write_text(mcc2_table(*found))
    (options.output / "summary.md").write_text(summary_table(*found))


def mcc2_table(cells: pd.DataFrame, means: pd.DataFrame) -> str:
    """MCC2 of every method beside the published ones, as a Markdown table."""
    published = read_published()
    methods = list(means["method"])
    header = ["kingdom", "SP type", "n", *methods, *published.columns[2:]]
    lines = [header, ["---", "---", *["---:"] * (len(header) - 2)]]
    for row in published.itertuples(index=False):
        here = cells[(cells["kingdom"] == row.kingdom) & (cells["sp_type"] == row.sp_type)]
        ours = here.set_index("method").loc[methods]
        shown = [with_interval(ours.loc[name], "mcc2", 2) for name in methods]
        lines.append([*row[:2], str(here["n"].max()), *shown, *(f"{v:.2f}" for v in row[2:])])
    totals = [f"{published[name].mean():.3f}" for name in published.columns[2:]]
    ours = means.set_index("method")
    shown = [with_interval(ours.loc[name], "mean_mcc2", 3) for name in methods]
    lines.append(["mean", "", "", *shown, *totals])
    return markdown(lines)


def summary_table(cells: pd.DataFrame, means: pd.DataFrame) -> str:
    """Measures of the whole and the exact sites of large cells, as a Markdown table."""
    methods = list(means["method"])
    lines = [["", *methods], ["---", *["---:"] * len(methods)]]
    ours = means.set_index("method")
    for name, title in SUMMARY.items():
        lines.append([title, *(with_interval(ours.loc[method], name, 3) for method in methods)])
    for kingdom, sp_type in LARGE_CELLS:
        here = cells[(cells["kingdom"] == kingdom) & (cells["sp_type"] == sp_type)]
        ours = here.set_index("method")
        for name in ("precision", "recall"):
            shown = [with_interval(ours.loc[method], f"{name}_0", 2) for method in methods]
            lines.append([f"{kingdom} {sp_type}: {name} of the exact cleavage site", *shown])
    return markdown(lines)


def with_interval(row: pd.Series, name: str, digits: int) -> str:
    """A value and its interval."""
    value, low, high = (f"{row[name + end]:.{digits}f}" for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})"


def markdown(lines: list[list[str]]) -> str:
    """Rows of cells as a Markdown table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


class Measures:
    """What one method predicted, as arrays, and what is measured on a resample of proteins.

    Args:
        rows: A row for each protein and each model that did not train on it, as ``predict.py``
            writes them.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        proteins, protein = np.unique(rows["accession"], return_inverse=True)
        kingdom, true_type = _codes(rows["kingdom"], KINGDOMS), _codes(rows["sp_type"], SP_TYPES)
        # A fold is a test partition and the model that predicts it.
        pairs = rows["partition"].to_numpy(int) * 100 + rows["model"].to_numpy(int)
        folds, fold = np.unique(pairs, return_inverse=True)
        self.n, self.n_folds = len(proteins), len(folds)
        self.outcomes = Outcomes(
            protein=protein,
            model=fold,
            kingdom=kingdom,
            true_type=true_type,
            predicted_type=_codes(rows["predicted_type"], SP_TYPES),
            true_site=rows["cleavage_site"].fillna(-1).to_numpy(int),
            predicted_site=rows["predicted_site"].fillna(-1).to_numpy(int),
            proteins=self.n,
            models=self.n_folds,
        )
        self._count = CellCounter(self.outcomes)
        first = np.unique(protein, return_index=True)[1]
        self.strata = rows["partition"].to_numpy(int)[first] * 100
        self.strata += (kingdom * len(SP_TYPES) + true_type)[first]

    def table(self, resamples: int) -> pd.DataFrame:
        """A row for each kingdom and SP type."""
        table = pd.DataFrame(CELLS, columns=["kingdom", "sp_type"])
        of_cell = np.bincount(self.strata % 100, minlength=100)
        table["n"] = [of_cell[k * len(SP_TYPES) + t] for k, t in zip(*_cell_codes(), strict=True)]
        sampled = [self._of_cells(weights) for weights in self._resample(resamples)]
        for name, value in self._of_cells(np.ones(self.n)).items():
            table[name] = value
            if name in ("mcc2", "pooled_mcc2", "precision_0", "recall_0"):
                low, high = percentile_interval(np.stack([found[name] for found in sampled]))
                table[f"{name}_low"], table[f"{name}_high"] = low, high
        return table

    def summary(self, resamples: int) -> dict[str, float]:
        """Measures of the whole: the mean over cells, membrane proteins, calibration."""
        found = {"proteins": self.n, "folds": self.n_folds}
        sampled = [self._of_whole(weights) for weights in self._resample(resamples)]
        for name, value in self._of_whole(np.ones(self.n)).items():
            low, high = percentile_interval(np.array([one[name] for one in sampled]))
            found |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return {name: round(float(value), 4) for name, value in found.items()}

    def _resample(self, resamples: int) -> Iterator[Array]:
        for drawn in draw_resamples(self.strata, resamples, seed=0):
            yield np.bincount(drawn, minlength=self.n).astype(float)

    def _of_cells(self, weights: Array) -> dict[str, Array]:
        counts = self._count(weights)
        found = {
            "mcc2": self._fold_mean(counts.mcc2()),
            "mcc1": self._fold_mean(counts.mcc1()),
            "pooled_mcc2": self._pooled_mcc2(counts),
        }
        for window in WINDOWS:
            found[f"precision_{window}"] = self._fold_mean(counts.precision(window))
            found[f"recall_{window}"] = self._fold_mean(counts.recall(window))
        return found

    def _fold_mean(self, values: Array) -> Array:
        """Mean over those folds in which a measure is defined, float ``(cells,)``."""
        return mean_over(values, np.arange(self.n_folds))[_cell_codes()]

    def _pooled_mcc2(self, counts: Counts) -> Array:
        return counts.pooled().mcc2()[0][_cell_codes()]

    def _of_whole(self, weights: Array) -> dict[str, float]:
        counts = self._count(weights)
        of_row = weights[self.outcomes.protein]
        start = self.rows["membrane_start"].to_numpy(float)
        is_membrane = (self.outcomes.true_type == 0) & (start <= LATEST_MEMBRANE)
        is_called = self.outcomes.predicted_type != 0
        return {
            "mean_mcc2": np.nanmean(self._fold_mean(counts.mcc2())),
            "pooled_mean_mcc2": np.nanmean(self._pooled_mcc2(counts)),
            "membrane_called_sp": of_row[is_membrane & is_called].sum() / of_row[is_membrane].sum(),
            "calibration_error": calibration_error(self.confidence(), self.is_right(), of_row),
        }

    def calibration_error(self) -> float:
        """Expected calibration error of the SP type."""
        return self._of_whole(np.ones(self.n))["calibration_error"]

    def confidence(self) -> Array:
        """Probability of the predicted type, a row each."""
        return self.rows[list(SP_TYPES)].to_numpy(float).max(axis=1)

    def is_right(self) -> NDArray[np.bool_]:
        """Whether the predicted type is the true one, a row each."""
        return self.outcomes.predicted_type == self.outcomes.true_type


def _codes(column: pd.Series, names: tuple[str, ...]) -> NDArray[np.int64]:
    return column.map({name: index for index, name in enumerate(names)}).to_numpy(int)


def _cell_codes() -> tuple[list[int], list[int]]:
    kingdoms, sp_types = zip(*CELLS, strict=True)
    return [KINGDOMS.index(k) for k in kingdoms], [SP_TYPES.index(t) for t in sp_types]


if __name__ == "__main__":
    main()
