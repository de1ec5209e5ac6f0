"""Draw the results: MCC2 of each kingdom and SP type, and how probable predictions come true.

python experiments/compact_methods/draw.py results/ --predictions predictions/ --show METHOD ...
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from measure import Measures

from peftsp.report.published import read_published

MARKERS = {"SignalP 6.0": "D", "LoRA 3B": "o"}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of measure.py; gets the figures")
    parser.add_argument("--predictions", type=Path, required=True, help="folder of predict.py")
    parser.add_argument("--show", nargs="+", required=True, help="methods, in order; best last")
    options = parser.parse_args()
    cells = pd.read_csv(options.results / "cells.csv")
    draw_cells(cells, options.show, options.results / "mcc2.png")
    draw_reliability(options.predictions, options.show[-1], options.results / "reliability.png")


def draw_cells(cells: pd.DataFrame, methods: list[str], path: Path) -> None:
    """Bars with 95 % intervals for our methods, marks for published ones."""
    published = read_published()
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(methods)
    places = np.arange(len(published))
    for number, method in enumerate(methods):
        rows = published[["kingdom", "sp_type"]].merge(
            cells[cells["method"] == method], on=["kingdom", "sp_type"]
        )
        errors = np.abs(np.stack([rows["mcc2_low"], rows["mcc2_high"]]) - rows["mcc2"].to_numpy())
        offset = (number - (len(methods) - 1) / 2) * width
        axes.bar(places + offset, rows["mcc2"], width, label=method, yerr=errors, capsize=1.5,
                 error_kw={"linewidth": 0.7})  # fmt: skip
    for name, marker in MARKERS.items():
        axes.plot(places, published[name], marker, color="black", fillstyle="none", label=name)
    names = [
        f"{row.kingdom.title()}\n{row.sp_type}\nn = {n}"
        for row, n in zip(published.itertuples(), rows["n"], strict=True)
    ]
    axes.set_xticks(places, names, fontsize=7)
    axes.set_ylabel("MCC2, mean over folds, 95 % interval")
    axes.set_ylim(-0.05, 1.05)
    axes.legend(ncols=len(methods) + len(MARKERS), loc="upper center", bbox_to_anchor=(0.5, 1.12))
    figure.savefig(path, dpi=130)


def draw_reliability(predictions: Path, method: str, path: Path) -> None:
    """Share of right types against their probability, and how many there are of each."""
    tables = [pd.read_csv(table) for table in sorted(predictions.glob(f"{method}*.csv"))
              if table.stem.partition("-fold")[0] == method]  # fmt: skip
    rows = pd.concat(tables, keys=range(len(tables)), names=["model"]).reset_index("model")
    found = Measures(rows)
    confidence, is_right = found.confidence(), found.is_right()
    bins = np.minimum((confidence * 15).astype(int), 14)
    counts = np.bincount(bins, minlength=15)
    filled = counts > 0
    mean = np.bincount(bins, weights=confidence, minlength=15)[filled] / counts[filled]
    right = np.bincount(bins, weights=is_right, minlength=15)[filled] / counts[filled]
    figure = Figure(figsize=(4.5, 5.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    upper.plot(mean, right, "o-")
    error = found.calibration_error()
    upper.set_title(f"{method}: expected calibration error {error:.3f}", fontsize=9)
    upper.set_ylabel("share of right types")
    lower.bar((np.arange(15) + 0.5) / 15, counts, 1 / 16)
    lower.set_yscale("log")
    lower.set_ylabel("proteins")
    lower.set_xlabel("probability of the predicted type")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
