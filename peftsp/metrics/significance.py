"""Whether one model is better than another: a permutation test, and many of them at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def draw_swaps(proteins: int, resamples: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield for each permutation which proteins change sides, bool ``(proteins,)``.

    Were two models alike, it would be a coin's throw which of them said what of a protein.
    """
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield generator.random(proteins) < 0.5


def permutation_p(observed: Array, permuted: Array) -> Array:
    """Two-sided p value of differences, with the observed one among the permutations.

    That keeps the test from claiming more than the number of permutations can show (Phipson and
    Smyth, Statistical Applications in Genetics and Molecular Biology 2010).

    Args:
        observed: float, ``(M,)``; differences, NaN where not defined.
        permuted: float, ``(permutations, M)``; the same with sides swapped.

    Returns:
        float, ``(M,)``; NaN where the difference is not defined.

    >>> permutation_p(np.array([2.0]), np.array([[1.0], [-2.0], [0.0]])).tolist()
    [0.5]
    """
    # Two ways to add up the same numbers may differ in the last digits.
    is_as_far = np.abs(permuted) >= np.abs(observed) - 1e-12
    p = (1 + is_as_far.sum(axis=0)) / (1 + len(permuted))
    return np.where(np.isnan(observed), np.nan, p)


def holm(p_values: Array) -> Array:
    """Adjust p values so that any false finding among them is as rare as one p value says.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 1979.

    Args:
        p_values: float, ``(M,)``; NaN where there was no test.

    Returns:
        float, ``(M,)``; NaN where there was no test.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
