"""Matthews correlation coefficient of any number of classes."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def multiclass_mcc(true: Tensor, predicted: Tensor) -> float:
    """Matthews correlation coefficient of any number of classes (R_K of Gorodkin 2004).

    The counts are multiplied as Python integers, so no number of samples overflows.

    Args:
        true: int64 or bool, ``(B,)``, true classes; any values.
        predicted: as ``true``, predicted classes.

    Returns:
        Between -1 and 1; 0 where it is not defined, because all samples are of one class, are
        predicted as one class, or there are none.

    >>> multiclass_mcc(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 2]))
    1.0
    >>> multiclass_mcc(torch.tensor([1, 1, 1]), torch.tensor([1, 1, 0]))
    0.0
    """
    n = true.numel()
    classes, codes = torch.unique(torch.cat([true, predicted]), return_inverse=True)
    n_true, n_predicted = (
        torch.bincount(half, minlength=classes.numel()).tolist() for half in (codes[:n], codes[n:])
    )
    covariance = n * int((true == predicted).sum()) - _dot(n_true, n_predicted)
    variances = (n * n - _dot(n_true, n_true)) * (n * n - _dot(n_predicted, n_predicted))
    return covariance / math.sqrt(variances) if variances else 0.0


def _dot(a: list[int], b: list[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))
