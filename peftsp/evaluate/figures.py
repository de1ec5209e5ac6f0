"""Figures of thresholds, calibration and false calls."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from peftsp.report.style import WIDTH, color_of, hatch_of, literal, method_legend


def draw_thresholds(curves: pd.DataFrame) -> Figure:
    """MCC, precision and recall by threshold, with the best MCC marked.

    Args:
        curves: Columns ``method``, ``threshold``, ``mcc``, ``precision``, ``recall``.
    """
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    methods = curves["method"].unique().tolist()
    names = {"mcc": "MCC", "precision": "precision", "recall": "recall"}
    for axes, (name, title) in zip(figure.subplots(1, 3, sharex=True), names.items(), strict=True):
        for place, method in enumerate(methods):
            curve = curves[curves["method"] == method]
            axes.plot(curve["threshold"], curve[name], color=color_of(place), linewidth=1.2)
            best = curve.loc[curve["mcc"].idxmax()]
            axes.plot(best["threshold"], best[name], "o", color=color_of(place), markersize=4)
        axes.set_ylabel(title)
        axes.set_xlabel("threshold")
        axes.set_xlim(0, 1)
    method_legend(figure, methods)
    return figure


def draw_calibration(bins: pd.DataFrame) -> Figure:
    """Share of right types by their probability, and how many proteins there are of each.

    Args:
        bins: Columns ``method``, ``probability``, ``right``, ``proteins``.
    """
    figure = Figure(figsize=(4.5, 4.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    methods = bins["method"].unique().tolist()
    for place, method in enumerate(methods):
        own = bins[bins["method"] == method]
        upper.plot(own["probability"], own["right"], "o-", color=color_of(place), markersize=3)
        lower.plot(own["probability"], own["proteins"], "o-", color=color_of(place), markersize=3)
    upper.set_ylabel("share of right types")
    upper.set_ylim(-0.02, 1.02)
    lower.set_yscale("log")
    lower.set_ylabel("proteins")
    lower.set_xlabel("mean probability of the called type")
    lower.set_xlim(0, 1.02)
    method_legend(figure, methods)
    return figure


def draw_groups(counts: pd.DataFrame) -> Figure:
    """Shares of false calls by group of organisms.

    Args:
        counts: Columns ``method``, ``group``, and counts of proteins.
    """
    groups = sorted(counts["group"].unique())
    methods = counts["method"].unique().tolist()
    height = (0.16 + 0.09 * len(methods)) * len(groups) + 1.0
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    width = 0.8 / len(methods)
    shares = {
        "called though there is none": ("called one", "without signal peptide"),
        "missed": ("missed", "with signal peptide"),
        "called of another type": ("other type", "with signal peptide"),
    }
    grid = figure.subplots(1, 3, sharey=True)
    for axes, (title, (part, whole)) in zip(grid, shares.items(), strict=True):
        for place, method in enumerate(methods):
            own = counts[counts["method"] == method].set_index("group").reindex(groups)
            offset = (place - (len(methods) - 1) / 2) * width
            places = [number + offset for number in range(len(groups))]
            share = own[part] / own[whole].where(own[whole] > 0)
            axes.barh(places, share, width, color=color_of(place), hatch=hatch_of(place),
                      edgecolor="white", linewidth=0.3)  # fmt: skip
        axes.set_xlabel(f"share {title}")
    grid[0].set_yticks(range(len(groups)), [literal(group) for group in groups])
    grid[0].invert_yaxis()
    method_legend(figure, methods)
    return figure
