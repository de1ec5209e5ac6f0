"""Whether probabilities come true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BINS = 15


def are_graded(probabilities: NDArray[np.float64]) -> bool:
    """Whether some are neither 0 nor 1, and so more than calls.

    >>> are_graded(np.array([0.0, 1.0])), are_graded(np.array([0.0, 0.9, 0.1]))
    (False, True)
    """
    return bool(((probabilities > 0) & (probabilities < 1)).any())


def calibration_error(
    confidence: NDArray[np.float64], is_right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """Expected calibration error, 15 bins of width 1/15.

    Guo et al., "On calibration of modern neural networks", ICML 2017.

    >>> calibration_error(np.array([0.9, 0.9]), np.array([True, False]), np.ones(2))
    0.4

    Args:
        confidence: float, ``(N,)``; probability of what is predicted.
        is_right: bool, ``(N,)``; whether that is true.
        weights: float, ``(N,)``; how often each counts.
    """
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights * (confidence - is_right), minlength=_BINS)
    return float(np.abs(gaps).sum() / weights.sum())
