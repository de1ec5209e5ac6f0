"""Measures by kingdom and SP type of several models at once, on any number of resamples.

Every measure here is a function of counts, and counts are sums over proteins. A resample of the
proteins is thus a weight for each, and no protein has to be looked at twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peftsp.labels import KINGDOM_LABELS, NO_SP, SP_TYPES

WINDOWS = (0, 1, 2, 3)
"""Distances, in residues, within which a cleavage site counts as found."""

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_FAR, _NONE, _EXTRA, _NEITHER = range(len(WINDOWS), len(WINDOWS) + 4)
_BUCKETS = _NEITHER + 1
_SHAPE = (len(KINGDOM_LABELS), len(SP_TYPES), len(SP_TYPES), _BUCKETS)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What models said of proteins, a row for each protein and model that was tested on it.

    Attributes:
        protein: int64, ``(N,)``; which protein, from 0.
        model: int64, ``(N,)``; which model, from 0.
        kingdom: int64, ``(N,)``.
        true_type: int64, ``(N,)``.
        predicted_type: int64, ``(N,)``.
        true_site: int64, ``(N,)``; cleavage sites, -1 for none.
        predicted_site: int64, ``(N,)``; cleavage sites, -1 for none.
        proteins: How many proteins there are, with those that have no row here.
        models: How many models there are.
    """

    protein: Integers
    model: Integers
    kingdom: Integers
    true_type: Integers
    predicted_type: Integers
    true_site: Integers
    predicted_site: Integers
    proteins: int
    models: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How often what was predicted, in one sample of proteins.

    Attributes:
        values: float, ``(models, kingdoms, K, K, 8)``; by true type, predicted type and distance of
            the predicted from the true cleavage site: 0 to 3 residues, farther, none predicted,
            predicted where there is none, none at all.
    """

    values: Array

    def pooled(self) -> Counts:
        """The counts of all models as those of one."""
        return Counts(self.values.sum(axis=0, keepdims=True))

    def mcc1(self) -> Array:
        """MCC of each type among proteins of that type or none; see `mcc2`."""
        confusion = self.values.sum(axis=-1)
        own = _diagonal(confusion)
        true = confusion.sum(axis=-1)
        predicted = own + confusion[:, :, NO_SP, :]
        total = true + true[:, :, [NO_SP]]
        return _mcc(own, true, predicted, total)

    def mcc2(self) -> Array:
        """MCC of each type against everything else.

        Returns:
            float, ``(models, kingdoms, K)``; 0 where nothing or all is predicted, NaN where no
            protein has the type.
        """
        confusion = self.values.sum(axis=-1)
        own = _diagonal(confusion)
        true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
        return _mcc(own, true, predicted, true.sum(axis=-1, keepdims=True))

    def precision(self, window: int) -> Array:
        """Share of the predicted sites that are right.

        As SignalP 6.0 and PEFT-SP count them, sites are those of proteins predicted as the type,
        and of those predicted as NO_SP whose path has one nevertheless.

        Args:
            window: Greatest distance at which a site is right, one of `WINDOWS`.

        Returns:
            float, ``(models, kingdoms, K)``; NaN where none is predicted.
        """
        has_site = [*range(_FAR + 1), _EXTRA]
        predicted = self.values[..., has_site].sum(axis=(-1, -3))
        return _ratio(self._found(window), predicted + predicted[..., [NO_SP]])

    def recall(self, window: int) -> Array:
        """Share of the true sites of a type that are found; as `precision`."""
        return _ratio(self._found(window), self.values[..., : _NONE + 1].sum(axis=(-1, -2)))

    def _found(self, window: int) -> Array:
        near = self.values[..., : WINDOWS.index(window) + 1].sum(axis=-1)
        found: Array = _diagonal(near) + near[..., NO_SP]
        return found


class CellCounter:
    """Counts the predictions in any sample of the proteins.

    Args:
        outcomes: What was predicted.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        distance = np.abs(outcomes.true_site - outcomes.predicted_site)
        found = np.where(outcomes.predicted_site > 0, np.minimum(distance, _FAR), _NONE)
        extra = np.where(outcomes.predicted_site > 0, _EXTRA, _NEITHER)
        bucket = np.where(outcomes.true_site > 0, found, extra)
        codes = outcomes.model
        columns = (outcomes.kingdom, outcomes.true_type, outcomes.predicted_type, bucket)
        for column, size in zip(columns, _SHAPE, strict=True):
            codes = codes * size + column
        self._codes = codes
        self._protein = outcomes.protein
        self._shape = (outcomes.models, *_SHAPE)
        self._proteins = outcomes.proteins

    def __call__(self, times: NDArray[np.generic] | None = None) -> Counts:
        """Count one sample.

        Args:
            times: Number of times that each protein is in it, ``(proteins,)``; None for once.
        """
        once = np.ones(self._proteins) if times is None else times
        weights = once[self._protein].astype(np.float64)
        length = int(np.prod(self._shape))
        values: Array = np.bincount(self._codes, weights, minlength=length).astype(np.float64)
        return Counts(values.reshape(self._shape))


def mean_over(values: Array, groups: Integers) -> Array:
    """Mean over the groups of models in which a value is defined, of means within groups.

    >>> mean_over(np.array([[1.0], [3.0], [8.0], [np.nan]]), np.array([0, 0, 1, 2])).tolist()
    [5.0]

    Args:
        values: float, ``(models, ...)``; NaN where not defined.
        groups: int64, ``(models,)``; as the folds of the models.

    Returns:
        float, ``(...)``; NaN where nothing is defined.
    """
    return mean_of_defined(group_means(values, groups))


def group_means(values: Array, groups: Integers) -> Array:
    """Mean of each group in the order of their numbers: float, ``(groups, ...)``."""
    return np.stack([mean_of_defined(values[groups == group]) for group in np.unique(groups)])


def mean_of_defined(values: Array) -> Array:
    """Mean over the first axis of what is no NaN: float, ``(n, ...)`` to float, ``(...)``."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0))


def _diagonal(confusion: Array) -> Array:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _mcc(own: Array, true: Array, predicted: Array, total: Array) -> Array:
    variance = true * (total - true) * predicted * (total - predicted)
    value = _ratio(own * total - true * predicted, np.sqrt(variance))
    value = np.where(variance == 0, 0.0, value)
    return np.where(true == 0, np.nan, value)


def _ratio(part: Array, whole: NDArray[np.number]) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient: Array = np.where(whole == 0, np.nan, part / whole)
    return quotient
