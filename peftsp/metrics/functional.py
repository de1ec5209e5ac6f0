"""Measures of predicted SP types and cleavage sites, as functions of tensors.

SP types are indices into `peftsp.labels.SP_TYPES`. A cleavage site is the number of residues
before the cut, -1 where there is none. The functions run on any device and give Python floats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from peftsp.labels import LAST_SP_STATE_OF_TYPE, NO_SP


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


def binary_mcc(true: Tensor, predicted: Tensor) -> float:
    """Matthews correlation coefficient of a yes-or-no prediction.

    Args:
        true: bool, ``(B,)``.
        predicted: bool, ``(B,)``.

    Returns:
        Between -1 and 1; 0 where it is not defined, see `multiclass_mcc`.

    >>> true = torch.tensor([True, False, False])
    >>> binary_mcc(true, torch.tensor([True, True, False]))
    0.5
    """
    return multiclass_mcc(true.bool(), predicted.bool())


def detection_mcc1(true_types: Tensor, predicted_types: Tensor, sp_type: int) -> float:
    """MCC of finding an SP type among sequences that have it or have no signal peptide.

    Sequences of other true types are left out; those that are predicted as another type count as
    not found.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        sp_type: The SP type to find.

    >>> types = torch.tensor([0, 1, 2])
    >>> detection_mcc1(types, torch.tensor([0, 1, 1]), 1)
    1.0
    """
    is_kept = (true_types == sp_type) | (true_types == NO_SP)
    return detection_mcc2(true_types[is_kept], predicted_types[is_kept], sp_type)


def detection_mcc2(true_types: Tensor, predicted_types: Tensor, sp_type: int) -> float:
    """MCC of finding an SP type among all sequences.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        sp_type: The SP type to find.

    >>> types = torch.tensor([0, 1, 2])
    >>> detection_mcc2(types, torch.tensor([0, 1, 1]), 1)
    0.5
    """
    return binary_mcc(true_types == sp_type, predicted_types == sp_type)


def cleavage_site_precision_recall(
    true_types: Tensor,
    predicted_types: Tensor,
    true_sites: Tensor,
    predicted_sites: Tensor,
    sp_type: int,
    *,
    window: int,
    count_no_sp_sites: bool = True,
) -> tuple[float, float]:
    """Precision and recall of the cleavage sites of one SP type.

    A site is found if the true type is ``sp_type`` and the predicted site is at most ``window``
    residues away. Recall is over the true sites of the type; precision is over the sites predicted
    in sequences of any true type that are predicted as ``sp_type``. SignalP 6.0 and PEFT-SP count
    in addition the sites of sequences that are predicted as NO_SP while their Viterbi path
    contains a site. That is the default, to compare with published numbers.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        true_sites: int64, ``(B,)``, -1 for none.
        predicted_sites: int64, ``(B,)``, -1 for none.
        sp_type: The SP type.
        window: Greatest distance between a true site and one that counts as found, in residues.
        count_no_sp_sites: Whether sites of sequences predicted as NO_SP count.

    Returns:
        Precision and recall; NaN where nothing is predicted, or nothing is there to be found.

    >>> types, sites = torch.tensor([1, 1, 0]), torch.tensor([22, 30, -1])
    >>> predicted = torch.tensor([24, 30, 18])
    >>> cleavage_site_precision_recall(types, types, sites, predicted, 1, window=0)
    (0.3333333333333333, 0.5)
    """
    is_predicted = predicted_types == sp_type
    if count_no_sp_sites:
        is_predicted = is_predicted | (predicted_types == NO_SP)
    is_predicted = is_predicted & (predicted_sites != -1)
    is_true = (true_types == sp_type) & (true_sites != -1)
    is_near = (predicted_sites - true_sites).abs() <= window
    n_found = int((is_true & is_predicted & is_near).sum())
    return _ratio(n_found, int(is_predicted.sum())), _ratio(n_found, int(is_true.sum()))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


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
    return positions.where(torch.isin(paths, final_states), -1).amax(1)
