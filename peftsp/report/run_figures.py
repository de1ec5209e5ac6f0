"""Figures of runs: learning curves, and what a method reaches for its size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from peftsp.report.evaluation import Evaluation
from peftsp.report.methods import Method
from peftsp.report.style import COLORS, WIDTH, color_of, method_legend, put_legend, wrapped

_CURVES = {
    "train/nll": "training loss (nats a protein)",
    "val/nll": "validation loss (nats a protein)",
    "val/mean_mcc2": "validation mean MCC2",
}
_MARKERS = "osD^vP"


def draw_curves(methods: Sequence[Method]) -> Figure | None:
    """Learning curves: each run thin, the mean over the runs of a method thick.

    Returns:
        None where the runs have logged none.
    """
    shown = [name for name in _CURVES if any(_series(run.curves, name).size for m in methods
                                             for run in m.runs)]  # fmt: skip
    if not shown:
        return None
    figure = Figure(figsize=(WIDTH if len(shown) > 1 else 4.5, 2.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for place, method in enumerate(methods):
            _draw_curve(axes, method, name, color_of(place))
        axes.set_xlabel("epoch")
        axes.set_ylabel(_CURVES[name])
        if name.endswith("nll") and axes.get_ylim()[0] > 0:
            axes.set_ylim(bottom=0)
    method_legend(figure, [method.label for method in methods])
    return figure


def _draw_curve(axes: Axes, method: Method, name: str, color: str) -> None:
    curves = [_series(run.curves, name) for run in method.runs]
    curves = [curve for curve in curves if curve.size]
    is_single_point = all(curve.size == 1 for curve in curves)
    for curve in curves:
        axes.plot(curve.index, curve, "." if is_single_point else "-", color=color,
                  linewidth=0.5, alpha=0.4)  # fmt: skip
    if curves:
        # Folds have epochs of unlike length; where one has no point, it is between its neighbours.
        first, last = max(c.index[0] for c in curves), min(c.index[-1] for c in curves)
        grid = np.unique(np.concatenate([curve.index for curve in curves]).round(6))
        grid = grid[(grid >= round(first, 6)) & (grid <= round(last, 6))]
        mean = np.mean([np.interp(grid, curve.index, curve) for curve in curves], axis=0)
        axes.plot(grid, mean, "D" if is_single_point else "-", color=color, linewidth=1.5,
                  markersize=4)  # fmt: skip


def _series(curves: pd.DataFrame, name: str) -> pd.Series:
    """What was logged, by the number of epochs done."""
    if name not in curves:
        return pd.Series(dtype=float)
    values = curves[name].dropna()
    epochs, steps = curves["epoch"].max() + 1, curves.index.max() + 1
    return values.set_axis((values.index + 1) * epochs / steps)


def draw_tradeoff(evaluations: Sequence[Evaluation]) -> Figure:
    """Mean MCC2 against the number of parameters that train."""
    figure = Figure(figsize=(4.5, 3.0), layout="constrained")
    axes = figure.subplots()
    handles = []
    for place, evaluation in enumerate(evaluations):
        mean = evaluation.mean
        marker = _MARKERS[place // len(COLORS) % len(_MARKERS)]
        axes.errorbar(
            evaluation.method.runs[0].cost.trained_parameters,
            mean.value,
            yerr=np.clip([[mean.value - mean.low], [mean.high - mean.value]], 0, None),
            fmt=marker,
            color=color_of(place),
            markersize=5,
            elinewidth=0.9,
            capsize=2,
        )
        handles.append(
            Line2D([], [], marker=marker, color=color_of(place), linestyle="", markersize=5,
                   label=wrapped(evaluation.method.label))
        )  # fmt: skip
    axes.set_xscale("log")
    sizes = [e.method.runs[0].cost.trained_parameters for e in evaluations]
    axes.set_xlim(min(sizes) / 2, max(sizes) * 2)
    axes.set_xlabel("parameters that train")
    axes.set_ylabel("mean MCC2, 95 % interval")
    axes.grid(axis="y", linewidth=0.3, color="0.8")
    put_legend(figure, handles)
    return figure
