"""All results of a run, and the files they are written to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.checks import Check
from benchmarks.contenders import ENTRIES, HUGGING_FACE, REFERENCE, TRAIN
from benchmarks.measure import Timings, stage_shares
from benchmarks.turns import ratio
from peftsp.report.table import Table

PLACE = ["mode", "size", "method", "batch_size"]
"""What a table is of."""

_SHOWN = {
    "contender": ("contender", "{}"),
    "what": ("", "{}"),
    "proteins": ("proteins", "{}"),
    "sequences_per_second": ("sequences/s", "{:.2f}"),
    "seconds": ("seconds", "{:.2f}"),
    "low": ("lower quartile", "{:.2f}"),
    "high": ("upper quartile", "{:.2f}"),
    "to_reference": ("× reference", "{:.2f}"),
    "to_hugging_face": ("× Hugging Face", "{:.2f}"),
    "memory_mb": ("peak MB", "{:.0f}"),
    "backbone_share": ("backbone", "{:.1%}"),
    "crf_share": ("CRF", "{:.1%}"),
    "rest_share": ("rest", "{:.1%}"),
    "peak_share": ("of product peak", "{:.0%}"),
    "unchanged": ("unchanged", "{:.1%}"),
    "is_equal": ("equal", "{}"),
}
_SHOWN_CHECKS = {
    **{name: (name, "{}") for name in ("mode", "contender", "with_whom", "what")},
    "difference": ("difference", "{:.1e}"),
    "tolerance": ("tolerance", "{:.0e}"),
    "is_passed": ("equal", "{}"),
}


@dataclass
class Results:
    """What a run has found so far.

    Attributes:
        machine: What it ran on.
        skipped: Why a contender did not take part, by its name.
        rows: Of each mode, size and method; see `make_row`.
        checks: Comparisons of results.
        end_to_end: From file to file; see `benchmarks.end_to_end.measure`.
    """

    machine: dict[str, Any]
    skipped: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    end_to_end: list[dict[str, Any]] = field(default_factory=list)

    @property
    def are_equal(self) -> bool:
        """Whether all comparisons are within their tolerances."""
        return all(check.is_passed for check in self.checks)

    def markdown(self) -> str:
        """The machine and all tables."""
        parts = ["\n".join(f"- {key}: {value}" for key, value in self.machine.items()) + "\n"]
        parts += map(rows_markdown, _by_place(self.rows))
        if self.checks:
            frame = pd.DataFrame([asdict(c) | {"is_passed": c.is_passed} for c in self.checks])
            # A difference that is no number is the worst.
            frame["difference"] = frame["difference"].fillna(np.inf)
            keys = ["mode", "contender", "with_whom", "what"]
            worst = frame.loc[frame.groupby(keys, sort=False)["difference"].idxmax()]
            parts.append(_markdown(worst, _SHOWN_CHECKS, "Largest differences found."))
        if self.end_to_end:
            parts.append(_markdown(pd.DataFrame(self.end_to_end), _SHOWN, "From file to file."))
        parts += [f"Skipped {name}: {reason}.\n" for name, reason in self.skipped.items()]
        return "\n".join(parts)

    def write(self, folder: Path) -> None:
        """Write ``results.json``, ``results.md`` and ``ratios.png``.

        Args:
            folder: Made if need be; what an earlier call wrote is replaced.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / "results.md").write_text(self.markdown())
        if self.rows:
            draw(self.rows, folder / "ratios.png")


def make_row(
    place: tuple[str, str, str],
    name: str,
    batch_size: int,
    timings: Timings,
    operations: float,
    checks: Sequence[Check],
) -> dict[str, Any]:
    """Sum up the rounds of a contender; README.md says what is measured how.

    Args:
        place: Mode, size and method.
        name: The contender.
        batch_size: Sequences in a batch.
        timings: Of all contenders.
        operations: In the products of its backbone, a round.
        checks: Of all contenders.

    Returns:
        By column; a ratio to who did not take part is None.
    """
    seconds = {rival: np.array(values) for rival, values in timings.seconds.items()}
    low, median, high = np.percentile(batch_size / seconds[name], [25, 50, 75]).tolist()
    shares = stage_shares(timings.stages[name])
    in_backbone = np.median([watched["backbone"] for watched in timings.stages[name]])
    product = np.median(timings.products[ENTRIES[name].precision])
    return {
        **dict(zip(PLACE, (*place, batch_size), strict=True)),
        "contender": name,
        "rounds": len(seconds[name]),
        **{"sequences_per_second": median, "low": low, "high": high},
        **{
            f"to_{rival}": ratio(seconds[rival], seconds[name]) if rival in seconds else None
            for rival in (REFERENCE, HUGGING_FACE)
        },
        "memory_mb": timings.memory[name] / 1e6,
        **{f"{stage}_share": share for stage, share in shares.items()},
        "peak_share": float(operations / in_backbone / product),
        "unchanged": None if place[0] == TRAIN else timings.unchanged[name] / timings.answered,
        "is_equal": all(check.is_passed for check in checks if check.contender == name),
    }


def rows_markdown(rows: pd.DataFrame) -> str:
    """The table of one mode, size and method."""
    mode, size, method, batch_size = rows.iloc[0][PLACE]
    return _markdown(rows, _SHOWN, f"{mode}, {size}, {method}, batches of {batch_size}.")


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Bars of the ratios to the reference, a panel for each mode, size and method."""
    places = _by_place(rows)
    figure = Figure(figsize=(7, 2.6 * len(places)), layout="constrained")
    panels = figure.subplots(len(places), squeeze=False)[:, 0]
    for panel, place in zip(panels, places, strict=True):
        here = place.dropna(subset="to_reference")
        bars = panel.barh(here["contender"], here["to_reference"].astype(float))
        panel.bar_label(bars, fmt="%.2f", padding=2)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.margins(x=0.1)
        panel.invert_yaxis()
        panel.set_title(", ".join(place.iloc[0][PLACE[:3]]), loc="left", fontsize=10)
        panel.set_xlabel("times as fast as the reference")
    figure.savefig(path, dpi=120)


def _by_place(rows: list[dict[str, Any]]) -> list[pd.DataFrame]:
    frame = pd.DataFrame(rows)
    return [group for _, group in frame.groupby(PLACE, sort=False)] if rows else []


def _markdown(frame: pd.DataFrame, columns: dict[str, tuple[str, str]], caption: str) -> str:
    for name in frame.select_dtypes(bool):
        frame = frame.assign(**{name: frame[name].map({True: "yes", False: "**NO**"})})
    shown = {
        title: frame[name].map(form.format, na_action="ignore").fillna("–")
        for name, (title, form) in columns.items()
        if name in frame and frame[name].notna().any()
    }
    return Table("results", caption, pd.DataFrame(shown), frame).markdown()
