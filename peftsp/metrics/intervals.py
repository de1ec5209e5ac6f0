"""Bootstrap intervals: how far a measure would move on another sample of proteins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


def draw_resamples(strata: Integers, resamples: int, seed: int) -> Iterator[Integers]:
    """Yield the indices of the proteins of each resample, int64 ``(N,)``.

    Efron, "Bootstrap methods", Annals of Statistics 1979.

    Proteins are drawn with replacement within each stratum, so that a rare SP type never vanishes
    from a resample and every resample is composed as the sample is.

    Args:
        strata: int64, ``(N,)``; of each protein.
        resamples: How many to draw.
        seed: Of the draws.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    _, starts, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    start, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    for _ in range(resamples):
        yield order[start + (generator.random(len(order)) * size).astype(np.int64)]


def percentile_interval(values: Array, coverage: float = 0.95) -> tuple[Array, Array]:
    """The middle of the resampled values.

    Args:
        values: float, ``(resamples, ...)``; NaN where a resample does not define the measure.
        coverage: Share of the values to lie within, 0 to 1.

    Returns:
        Lower and upper ends, float64, ``(...)`` each; NaN where no resample defines the measure.

    >>> low, high = percentile_interval(np.arange(101.0)[:, None], 0.9)
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([5.0], [95.0])
    """
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    undefined = np.isnan(values).all(axis=0)
    low, high = np.nanquantile(np.where(undefined, 0.0, values), tails, axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
