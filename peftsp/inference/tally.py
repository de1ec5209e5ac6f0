"""Counts over predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from peftsp.records import Prediction


@dataclass(frozen=True, slots=True)
class Tally:
    """How many predictions there are of what.

    Attributes:
        types: Proteins by SP type.
        unsure_sites: Proteins with `Prediction.has_unsure_site`.
    """

    types: Counter[str] = field(default_factory=Counter)
    unsure_sites: int = 0

    @classmethod
    def of(cls, predictions: Iterable[Prediction]) -> Self:
        """Count predictions."""
        types: Counter[str] = Counter()
        unsure_sites = 0
        for prediction in predictions:
            types[prediction.sp_type] += 1
            unsure_sites += prediction.has_unsure_site
        return cls(types, unsure_sites)

    @property
    def proteins(self) -> int:
        """Number of all predictions."""
        return self.types.total()

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.types + other.types, self.unsure_sites + other.unsure_sites)
