"""Figures by kingdom and SP type: MCC2, and cleavage sites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from peftsp.metrics.cells import WINDOWS
from peftsp.report.evaluation import Evaluation
from peftsp.report.style import WIDTH, color_of, hatch_of, method_legend, pretty_cell

_CELLS_A_ROW = 8
_MARKERS = {"SignalP 6.0": "D", "LoRA 3B": "o"}
"""Published models that are shown, one older and the best newer one."""


def draw_mcc2(evaluations: Sequence[Evaluation], published: pd.DataFrame | None) -> Figure:
    """Bars of MCC2 with intervals, a group for each kingdom and SP type."""
    tables = [_of_measure(e, "mcc2") for e in evaluations]
    count = len(tables[0])
    rows = -(-count // _CELLS_A_ROW)
    a_row = -(-count // rows)
    figure = Figure(figsize=(WIDTH, 1.9 * rows + 0.6), layout="constrained")
    low = min(0.0, *(float(np.nanmin([t["low"].min(), 0.0])) for t in tables))
    for row, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        part = slice(row * a_row, (row + 1) * a_row)
        _bars(axes, [table.iloc[part] for table in tables])
        if published is not None:
            _marks(axes, tables[0].iloc[part], published)
        axes.set_ylim(max(-1.05, low - 0.05), 1.05)
        axes.set_xlim(-0.6, a_row - 0.4)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_ylabel("MCC2")
    marks = [] if published is None else _mark_handles(published)
    method_legend(figure, [e.method.label for e in evaluations], marks)
    return figure


def _of_measure(evaluation: Evaluation, measure: str) -> pd.DataFrame:
    return evaluation.cells[evaluation.cells["measure"] == measure].reset_index(drop=True)


def _bars(axes: Axes, tables: list[pd.DataFrame]) -> None:
    width = 0.8 / len(tables)
    places = np.arange(len(tables[0]))
    for number, table in enumerate(tables):
        offset = (number - (len(tables) - 1) / 2) * width
        errors = [table["value"] - table["low"], table["high"] - table["value"]]
        axes.bar(
            places + offset,
            table["value"],
            width,
            yerr=np.clip(np.stack(errors), 0, None),
            color=color_of(number),
            hatch=hatch_of(number),
            edgecolor="white",
            linewidth=0.3,
            error_kw={"linewidth": 0.7, "capsize": 1.2, "capthick": 0.7},
        )
    most = np.max([table["n"].to_numpy() for table in tables], axis=0)
    names = [
        f"{pretty_cell(kingdom, sp_type)}\nn = {n}"
        for kingdom, sp_type, n in zip(
            tables[0]["kingdom"], tables[0]["sp_type"], most, strict=True
        )
    ]
    axes.set_xticks(places, names)


def _marks(axes: Axes, table: pd.DataFrame, published: pd.DataFrame) -> None:
    theirs = table[["kingdom", "sp_type"]].merge(published, how="left", on=["kingdom", "sp_type"])
    for name, marker in _MARKERS.items():
        axes.plot(
            np.arange(len(theirs)),
            theirs[name],
            marker,
            color="black",
            fillstyle="none",
            markersize=4,
            markeredgewidth=0.8,
        )


def _mark_handles(published: pd.DataFrame) -> list[Line2D]:
    return [
        Line2D([], [], marker=marker, color="black", fillstyle="none", linestyle="", markersize=4,
               label=f"{name}, published")
        for name, marker in _MARKERS.items()
        if name in published
    ]  # fmt: skip


def draw_sites(evaluations: Sequence[Evaluation]) -> Figure:
    """Precision to the left, recall to the right: exact sites dark, near ones pale."""
    labels = [e.method.label for e in evaluations]
    cells = _of_measure(evaluations[0], "recall_0")
    height = 0.16 + 0.075 * len(labels)
    figure = Figure(figsize=(WIDTH, height * len(cells) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, measure in ((left, "precision"), (right, "recall")):
        for number, evaluation in enumerate(evaluations):
            _site_bars(axes, evaluation, measure, number, len(labels))
        axes.set_xlim((1.02, 0) if measure == "precision" else (0, 1.02))
        axes.set_xlabel(f"cleavage-site {measure}")
        axes.set_ylim(len(cells) - 0.5, -0.5)
        axes.grid(axis="x", linewidth=0.3, color="0.8")
        axes.set_axisbelow(True)
    left.spines["right"].set_visible(True)
    left.spines["left"].set_visible(False)
    left.tick_params(axis="y", length=0, labelleft=False)
    names = [
        pretty_cell(kingdom, sp_type).replace("\n", " ")
        for kingdom, sp_type in zip(cells["kingdom"], cells["sp_type"], strict=True)
    ]
    right.set_yticks(range(len(cells)), names)
    right.tick_params(axis="y", labelleft=True, length=0)
    tones = [
        Patch(facecolor="0.35", label="exact"),
        Patch(facecolor="0.35", alpha=0.35, label=f"within {WINDOWS[-1]} residues"),
    ]
    method_legend(figure, labels, tones)
    return figure


def _site_bars(axes: Axes, evaluation: Evaluation, measure: str, number: int, count: int) -> None:
    width = 0.8 / count
    for window, alpha in ((WINDOWS[-1], 0.35), (WINDOWS[0], 1.0)):
        table = _of_measure(evaluation, f"{measure}_{window}")
        places = np.arange(len(table)) + (number - (count - 1) / 2) * width
        axes.barh(places, table["value"], width, color=color_of(number), alpha=alpha,
                  hatch=hatch_of(number), edgecolor="white", linewidth=0.3)  # fmt: skip
    exact = _of_measure(evaluation, f"{measure}_{WINDOWS[0]}")
    errors = [exact["value"] - exact["low"], exact["high"] - exact["value"]]
    axes.errorbar(
        exact["value"],
        np.arange(len(exact)) + (number - (count - 1) / 2) * width,
        xerr=np.clip(np.stack(errors), 0, None),
        fmt="none",
        ecolor="black",
        elinewidth=0.6,
    )
