"""Measures of predicted SP types and cleavage sites, as functions of tensors.

SP types are indices into `peftsp.labels.SP_TYPES`. A cleavage site is the number of residues
before the cut, -1 where there is none. The functions run on any device and give Python floats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from peftsp.labels import LAST_SP_STATE_OF_TYPE


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


def cleavage_sites(paths: Tensor) -> Tensor:
    """Cleavage sites of paths: residues up to and including the last in a final SP state.

    Any SP type's final state counts, see `peftsp.labels.LAST_SP_STATE_OF_TYPE`.

    Args:
        paths: int64, ``(B, L)``, states, -1 at padding.

    Returns:
        int64, ``(B,)``, -1 for a path without cleavage site.

    >>> cleavage_sites(torch.tensor([[3, 4, 5, 5, 8, 8], [2, 2, 2, 2, -1, -1]]))
    tensor([ 4, -1])
    """
    final_states = torch.tensor(list(LAST_SP_STATE_OF_TYPE.values()), device=paths.device)
    positions = torch.arange(1, paths.shape[1] + 1, device=paths.device)
    is_final = (paths.unsqueeze(-1) == final_states).any(dim=-1)
    return positions.where(is_final, -1).amax(1)
