"""Figures of predictions: confusion, site offsets, region lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from peftsp.labels import NO_SP, SP_TYPES
from peftsp.metrics.confusion import draw_confusion
from peftsp.report.methods import Method
from peftsp.report.proteins import codes, joined
from peftsp.report.style import WIDTH, color_of, hide_spare, method_legend, wrapped

_WITH_SP = SP_TYPES[1:]
_FARTHEST = 10  # residues; what is farther is in the outermost bars
_REGIONS = ("n-region", "h-region", "c-region")


def draw_confusions(methods: Sequence[Method]) -> Figure:
    """A confusion matrix for each method: counts as text, shares of the true type as shade."""
    columns = min(3, len(methods))
    rows = -(-len(methods) // columns)
    figure = Figure(figsize=(WIDTH * columns / 3 + 0.6, 2.55 * rows + 0.6), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for place, (axes, method) in enumerate(zip(grid, methods, strict=False)):
        image = draw_confusion(axes, _confusion(joined(method.runs)), font_size=6)
        axes.set_title(wrapped(method.label, 32))
        if place % columns == 0:
            axes.set_ylabel("true SP type")
        if place >= len(methods) - columns:
            axes.set_xlabel("predicted SP type")
    hide_spare(grid, len(methods))
    label = "shade: share of the true type; numbers: proteins"
    figure.colorbar(image, ax=grid, location="bottom", label=label, aspect=40, shrink=0.8)
    return figure


def _confusion(rows: pd.DataFrame) -> NDArray[np.int64]:
    pairs = codes(rows["sp_type"], SP_TYPES) * len(SP_TYPES)
    pairs = pairs + codes(rows["predicted_type"], SP_TYPES)
    return np.bincount(pairs, minlength=len(SP_TYPES) ** 2).reshape(len(SP_TYPES), -1)


def draw_offsets(methods: Sequence[Method]) -> Figure:
    """How far predicted cleavage sites are from the true ones, where the type is right."""
    height = 1.05 * len(methods) + 0.6
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(len(methods), len(_WITH_SP), sharex=True, sharey=True, squeeze=False)
    for place, (row, method) in enumerate(zip(grid, methods, strict=True)):
        rows = joined(method.runs)
        for axes, sp_type in zip(row, _WITH_SP, strict=True):
            offsets = site_offsets(rows, sp_type)
            _draw_offsets(axes, offsets, color_of(place))
            title = f"{sp_type}, n = {len(offsets):,}" if place == 0 else f"n = {len(offsets):,}"
            axes.set_title(title, fontsize=7, pad=3)
        row[0].set_ylabel(wrapped(method.label, 18))
    figure.supxlabel("predicted less true cleavage site (residues)", fontsize=8)
    figure.supylabel("share of predictions", fontsize=8)
    return figure


def _draw_offsets(axes: Axes, offsets: NDArray[np.float64], color: str) -> None:
    places = np.arange(-_FARTHEST, _FARTHEST + 1)
    edges = np.append(places - 0.5, _FARTHEST + 0.5)
    counts = np.histogram(np.clip(offsets, -_FARTHEST, _FARTHEST), edges)[0]
    axes.bar(places, counts / max(len(offsets), 1), 0.9, color=color)
    axes.set_ylim(0, 1)
    axes.set_xticks((-_FARTHEST, 0, _FARTHEST), (f"≤ −{_FARTHEST}", "0", f"≥ {_FARTHEST}"))


def site_offsets(rows: pd.DataFrame, sp_type: str) -> NDArray[np.float64]:
    """Predicted less true cleavage site of the proteins whose type is found, in residues."""
    is_found = (rows["sp_type"] == sp_type) & (rows["predicted_type"] == sp_type)
    offsets = (rows["predicted_site"] - rows["cleavage_site"])[is_found].dropna()
    return np.asarray(offsets, dtype=np.float64)


def draw_regions(methods: Sequence[Method]) -> Figure:
    """How long predicted regions are: boxes hold the middle half, whiskers 90 %."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    for number, (axes, region) in enumerate(zip(figure.subplots(1, 3), _REGIONS, strict=True)):
        width = 0.8 / len(methods)
        types = (
            _WITH_SP if number == 0 else _WITH_SP[:-1]
        )  # a pilin has its h-region behind the cut
        for place, method in enumerate(methods):
            lengths = region_lengths(joined(method.runs))
            offset = (place - (len(methods) - 1) / 2) * width
            boxes = [lengths[region][lengths["predicted_type"] == name].dropna() for name in types]
            drawn = axes.boxplot(
                boxes, positions=np.arange(len(types)) + offset, widths=width * 0.85,
                whis=(5, 95), showfliers=False, patch_artist=True,
                medianprops={"color": "black", "linewidth": 1.0},
            )  # fmt: skip
            for box in drawn["boxes"]:
                box.set(facecolor=color_of(place), linewidth=0.5)
            for line in (*drawn["whiskers"], *drawn["caps"]):
                line.set_linewidth(0.6)
        axes.set_xticks(range(len(types)), types, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(types) - 0.4)
        axes.set_ylim(bottom=0)
        axes.set_title(region)
        if number == 0:
            axes.set_ylabel("predicted length (residues)")
    method_legend(figure, [method.label for method in methods])
    return figure


def region_lengths(rows: pd.DataFrame) -> pd.DataFrame:
    """Lengths of the predicted n-, h- and c-region of each protein that is predicted to have an SP.

    Returns:
        Columns ``predicted_type``, ``n-region``, ``h-region``, ``c-region``; NaN where a protein
        has no such region before its cleavage site.
    """
    own = rows[rows["predicted_type"] != SP_TYPES[NO_SP]]
    is_pilin = own["predicted_type"] == "PILIN"
    h_region = (own["h_region_end"] - own["n_region_end"]).where(~is_pilin)
    c_region = (own["c_region_end"] - own["h_region_end"]).where(~is_pilin)
    values = (own["predicted_type"], own["n_region_end"], h_region, c_region)
    return pd.DataFrame(dict(zip(("predicted_type", *_REGIONS), values, strict=True)))
