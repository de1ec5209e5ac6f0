"""The picture: how many times as fast as the reference each contender is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.table import Row


def draw(rows: Sequence[Row], path: Path) -> None:
    """Bars of the ratios, a panel for each mode, size and method; none without the reference."""
    places = list(dict.fromkeys((row.mode, row.size, row.method) for row in rows))
    figure = Figure(figsize=(7, 2.6 * len(places)), layout="constrained")
    panels = figure.subplots(len(places), squeeze=False)[:, 0]
    for panel, place in zip(panels, places, strict=True):
        here = [r for r in rows if (r.mode, r.size, r.method) == place and r.to_reference]
        ratios = [row.to_reference for row in here]
        bars = panel.barh([row.contender for row in here], ratios)
        panel.bar_label(bars, fmt="%.2f", padding=2)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.margins(x=0.1)
        panel.invert_yaxis()
        panel.set_title(", ".join(place), loc="left", fontsize=10)
        panel.set_xlabel("times as fast as the reference")
    figure.savefig(path, dpi=120)
