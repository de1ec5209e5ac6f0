"""Measure the predictions of nested cross-validation, with bootstrap intervals.

python experiments/compact_methods/measure.py predictions/ -o results/

Reads METHOD-fold0.csv, METHOD-fold1.csv and METHOD-fold3.csv of each method, one for each partition
trained on: a run predicts both other partitions, and the validation partition of one is the test
partition of another, so that these three are all six folds. A single METHOD.csv, of an ensemble or
of models refitted on two partitions, is one prediction of each protein instead of two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.metrics.intervals import bootstrap_interval

PUBLISHED = Path(__file__).parent / "published.csv"
WINDOWS = (0, 1, 2, 3)
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
    published = pd.read_csv(PUBLISHED)
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
        proteins, self.protein = np.unique(rows["accession"], return_inverse=True)
        self.kingdom = _codes(rows["kingdom"], KINGDOMS)
        self.true_type = _codes(rows["sp_type"], SP_TYPES)
        self.predicted_type = _codes(rows["predicted_type"], SP_TYPES)
        self.site = rows["cleavage_site"].fillna(-1).to_numpy(int)
        self.predicted_site = rows["predicted_site"].fillna(-1).to_numpy(int)
        # A fold is a test partition and the model that predicts it.
        pairs = rows["partition"].to_numpy(int) * 100 + rows["model"].to_numpy(int)
        folds, self.fold = np.unique(pairs, return_inverse=True)
        self.n_folds = len(folds)
        order = np.argsort(self.protein, kind="stable")
        self._rows_of = np.split(order, np.cumsum(np.bincount(self.protein))[:-1])
        first = np.array([rows_of[0] for rows_of in self._rows_of])
        partition = rows["partition"].to_numpy(int)[first]
        cell = self.kingdom[first] * len(SP_TYPES) + self.true_type[first]
        self.strata = partition * 100 + cell
        self.n = len(proteins)

    def table(self, resamples: int) -> pd.DataFrame:
        """A row for each kingdom and SP type."""
        everything = np.arange(self.n)
        table = pd.DataFrame(CELLS, columns=["kingdom", "sp_type"])
        drawn_once = np.unique(self.protein, return_index=True)[1]
        table["n"] = [
            sum((self.kingdom[drawn_once] == k) & (self.true_type[drawn_once] == t))
            for k, t in _cell_codes()
        ]
        measures: dict[str, Callable[[NDArray[np.int64]], Array]] = {
            "mcc2": lambda drawn: self.fold_mean(drawn, self.mcc2),
            "mcc1": lambda drawn: self.fold_mean(drawn, self.mcc1),
            "pooled_mcc2": lambda drawn: self.mcc2(self.selected(drawn)),
        }
        for window in WINDOWS:
            for name in ("precision", "recall"):
                measures[f"{name}_{window}"] = lambda drawn, w=window, n=name: self.fold_mean(
                    drawn, lambda chosen: self.sites(chosen, w)[n]
                )
        for name, measure in measures.items():
            table[name] = measure(everything)
            if name in ("mcc2", "pooled_mcc2", "precision_0", "recall_0"):
                low, high = bootstrap_interval(self.strata, measure, resamples=resamples)
                table[f"{name}_low"], table[f"{name}_high"] = low, high
        return table

    def summary(self, resamples: int) -> dict[str, float]:
        """Measures of the whole: the mean over cells, membrane proteins, calibration."""

        def mean_of_cells(drawn: NDArray[np.int64]) -> Array:
            return np.nanmean(self.fold_mean(drawn, self.mcc2), keepdims=True)

        def pooled_mean(drawn: NDArray[np.int64]) -> Array:
            return np.nanmean(self.mcc2(self.selected(drawn)), keepdims=True)

        found = {"proteins": self.n, "folds": self.n_folds}
        for name, measure in (
            ("mean_mcc2", mean_of_cells),
            ("pooled_mean_mcc2", pooled_mean),
            ("membrane_called_sp", self.membrane_called_sp),
            ("calibration_error", self.calibration_error),
        ):
            low, high = bootstrap_interval(self.strata, measure, resamples=resamples)
            found[name] = measure(np.arange(self.n))[0]
            found[f"{name}_low"], found[f"{name}_high"] = low[0], high[0]
        return {name: round(float(value), 4) for name, value in found.items()}

    def selected(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the proteins drawn, as often as they were drawn."""
        return np.concatenate([self._rows_of[protein] for protein in drawn])

    def fold_mean(
        self, drawn: NDArray[np.int64], measure: Callable[[NDArray[np.int64]], Array]
    ) -> Array:
        """Mean over those folds in which a measure is defined, float ``(cells,)``."""
        chosen = self.selected(drawn)
        fold = self.fold[chosen]
        values = np.stack([measure(chosen[fold == number]) for number in range(self.n_folds)])
        defined = ~np.isnan(values)
        total = np.where(defined, values, 0.0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return total / defined.sum(axis=0)

    def mcc2(self, chosen: NDArray[np.int64]) -> Array:
        """MCC of each cell's type against everything else, NaN where the type does not occur."""
        return self._mcc(chosen, against_no_sp=False)

    def mcc1(self, chosen: NDArray[np.int64]) -> Array:
        """MCC of each cell's type among proteins of that type or none."""
        return self._mcc(chosen, against_no_sp=True)

    def _mcc(self, chosen: NDArray[np.int64], against_no_sp: bool) -> Array:
        k, n = len(KINGDOMS), len(SP_TYPES)
        codes = (self.kingdom[chosen] * n + self.true_type[chosen]) * n
        codes = codes + self.predicted_type[chosen]
        confusion = np.bincount(codes, minlength=k * n * n).reshape(k, n, n).astype(float)
        values = []
        for kingdom, sp_type in _cell_codes():
            counts = confusion[kingdom]
            if against_no_sp:
                counts = counts[[0, sp_type]]
                own = 1
            else:
                own = sp_type
            hits, true = counts[own, sp_type], counts[own].sum()
            predicted, total = counts[:, sp_type].sum(), counts.sum()
            variance = true * (total - true) * predicted * (total - predicted)
            mcc = (hits * total - true * predicted) / np.sqrt(variance) if variance else 0.0
            values.append(mcc if true else np.nan)
        return np.array(values)

    def sites(self, chosen: NDArray[np.int64], window: int) -> dict[str, Array]:
        """Precision and recall of each cell's cleavage sites; NaN where not defined."""
        precision, recall = [], []
        near = np.abs(self.site[chosen] - self.predicted_site[chosen]) <= window
        has_site = self.predicted_site[chosen] > 0
        for kingdom, sp_type in _cell_codes():
            here = self.kingdom[chosen] == kingdom
            is_true = here & (self.true_type[chosen] == sp_type)
            is_predicted = here & (self.predicted_type[chosen] == sp_type) & has_site
            hits = (is_true & is_predicted & near).sum()
            recall.append(hits / is_true.sum() if is_true.any() else np.nan)
            precision.append(hits / is_predicted.sum() if is_predicted.any() else np.nan)
        return {"precision": np.array(precision), "recall": np.array(recall)}

    def membrane_called_sp(self, drawn: NDArray[np.int64]) -> Array:
        """Share of NO_SP proteins with a membrane stretch within 40 residues that get an SP."""
        chosen = self.selected(drawn)
        start = self.rows["membrane_start"].to_numpy(float)[chosen]
        is_membrane = (self.true_type[chosen] == 0) & (start <= LATEST_MEMBRANE)
        return (self.predicted_type[chosen][is_membrane] != 0).mean(keepdims=True)

    def calibration_error(self, drawn: NDArray[np.int64]) -> Array:
        """Expected calibration error of the predicted type's probability, 15 bins of width 1/15.

        Guo et al., "On calibration of modern neural networks", ICML 2017.
        """
        chosen = self.selected(drawn)
        confidence, is_right = self.confidence()[chosen], self.is_right()[chosen]
        bins = np.minimum((confidence * 15).astype(int), 14)
        gaps = np.bincount(bins, weights=confidence - is_right, minlength=15)
        return np.abs(gaps).sum(keepdims=True) / len(chosen)

    def confidence(self) -> Array:
        """Probability of the predicted type, a row each."""
        return self.rows[list(SP_TYPES)].to_numpy(float).max(axis=1)

    def is_right(self) -> NDArray[np.bool_]:
        """Whether the predicted type is the true one, a row each."""
        return self.predicted_type == self.true_type


def _codes(column: pd.Series, names: tuple[str, ...]) -> NDArray[np.int64]:
    return column.map({name: index for index, name in enumerate(names)}).to_numpy(int)


def _cell_codes() -> list[tuple[int, int]]:
    return [(KINGDOMS.index(kingdom), SP_TYPES.index(sp_type)) for kingdom, sp_type in CELLS]


if __name__ == "__main__":
    main()
