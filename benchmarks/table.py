"""Rows of results and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.checks import Check
from benchmarks.contenders import ENTRIES, HUGGING_FACE, REFERENCE, TRAIN
from benchmarks.measure import Timings, stage_shares


@dataclass(frozen=True)
class Row:
    """What was measured of one contender.

    Attributes:
        mode: ``train`` or ``predict``.
        size: Of the backbone.
        method: What trains.
        contender: Its name.
        batch_size: Sequences in a batch.
        rounds: How often it was timed.
        sequences_per_second: Median.
        low: Lower quartile.
        high: Upper quartile.
        to_reference: Median over rounds of the reference's time over its own.
        to_hugging_face: The same for the Hugging Face stack's time.
        memory_mb: Peak, 10⁶ bytes.
        backbone_share: Of the time.
        crf_share: Of the time; head, CRF, regularisation and decoding.
        rest_share: Of the time; clipping and the optimizer.
        peak_share: Speed of the backbone's products by that of a large matrix product.
        unchanged: Share of proteins with the reference's type and cleavage site; None in training.
        is_equal: Whether its results are those of the reference.
    """

    mode: str
    size: str
    method: str
    contender: str
    batch_size: int
    rounds: int
    sequences_per_second: float
    low: float
    high: float
    to_reference: float | None
    to_hugging_face: float | None
    memory_mb: float
    backbone_share: float
    crf_share: float
    rest_share: float
    peak_share: float
    unchanged: float | None
    is_equal: bool


def make_row(
    place: tuple[str, str, str],
    name: str,
    batch_size: int,
    timings: Timings,
    operations: float,
    checks: Sequence[Check],
) -> Row:
    """Sum up the rounds of a contender.

    Args:
        place: Mode, size and method.
        name: The contender.
        batch_size: Sequences in a batch.
        timings: Of all contenders.
        operations: In the products of its backbone, a round.
        checks: Of all contenders.
    """
    seconds = np.array(timings.seconds[name])
    low, median, high = np.percentile(batch_size / seconds, [25, 50, 75])
    shares = stage_shares(timings.stages[name])
    in_backbone = np.median([watched["backbone"] for watched in timings.stages[name]])
    product = np.median(timings.products[ENTRIES[name].precision])
    is_training = place[0] == TRAIN
    return Row(
        *place,
        contender=name,
        batch_size=batch_size,
        rounds=len(seconds),
        sequences_per_second=float(median),
        low=float(low),
        high=float(high),
        to_reference=_ratio(timings, REFERENCE, seconds),
        to_hugging_face=_ratio(timings, HUGGING_FACE, seconds),
        memory_mb=timings.memory[name] / 1e6,
        backbone_share=shares["backbone"],
        crf_share=shares["crf"],
        rest_share=shares["rest"],
        peak_share=float(operations / in_backbone / product),
        unchanged=None if is_training else timings.unchanged[name] / timings.answered,
        is_equal=all(check.is_passed for check in checks if check.contender == name),
    )


def _ratio(timings: Timings, rival: str, seconds: np.ndarray) -> float | None:
    if rival not in timings.seconds:
        return None
    return float(np.median(np.array(timings.seconds[rival]) / seconds))


def markdown(rows: Sequence[Row]) -> str:
    """A table for each mode, size and method."""
    header = [
        "contender", "sequences/s", "quartiles", "× reference", "× Hugging Face", "peak MB",
        "backbone", "CRF", "rest", "of product peak", "unchanged", "equal",
    ]  # fmt: skip
    text = ""
    for place in dict.fromkeys((row.mode, row.size, row.method, row.batch_size) for row in rows):
        mode, size, method, batch_size = place
        text += f"\n**{mode}, {size}, {method}, batches of {batch_size}**\n\n"
        lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
        lines += [_cells(r) for r in rows if (r.mode, r.size, r.method, r.batch_size) == place]
        text += "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text


def _cells(row: Row) -> list[str]:
    def shown(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    return [
        row.contender,
        f"{row.sequences_per_second:.2f}",
        f"{row.low:.2f}–{row.high:.2f}",
        shown(row.to_reference, ".2f"),
        shown(row.to_hugging_face, ".2f"),
        f"{row.memory_mb:.0f}",
        f"{row.backbone_share:.1%}",
        f"{row.crf_share:.1%}",
        f"{row.rest_share:.1%}",
        f"{row.peak_share:.0%}",
        shown(row.unchanged, ".1%"),
        "yes" if row.is_equal else "**NO**",
    ]


def checks_markdown(checks: Sequence[Check]) -> str:
    """The largest difference of each contender in each comparison."""
    worst: dict[tuple[str, ...], Check] = {}
    for check in checks:
        key = (check.mode, check.contender, check.with_whom, check.what)
        # A difference that is no number is the worst.
        if key not in worst or not check.difference <= worst[key].difference:
            worst[key] = check
    lines = ["| mode | contender | compared with | what | difference | tolerance | |"]
    lines.append("|---|---|---|---|---:|---:|---|")
    for (mode, name, with_whom, what), check in worst.items():
        verdict = "" if check.is_passed else "**differs**"
        numbers = f"{check.difference:.1e} | {check.tolerance:.0e}"
        lines.append(f"| {mode} | {name} | {with_whom} | {what} | {numbers} | {verdict} |")
    return "\n".join(lines) + "\n"
