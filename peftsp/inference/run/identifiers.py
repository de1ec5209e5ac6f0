"""Identifiers that more than one protein has."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np


class Repeats(NamedTuple):
    """Proteins that share their identifiers.

    Attributes:
        proteins: Those that have the identifier of an earlier one.
        first: Index of the first protein whose identifier comes again.
    """

    proteins: int
    first: int


class IdentifierBook:
    """Notes the identifiers of proteins in 8 bytes each.

    These are 64-bit hashes: among a million proteins the chance that two different identifiers
    count as one is 3 in 100 million.

    >>> book = IdentifierBook()
    >>> for identifier in ("P1", "P2", "P3", "P2", "P2"):
    ...     book.note(identifier)
    >>> book.repeats()
    Repeats(proteins=2, first=1)
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def note(self, identifier: str) -> None:
        """Take down the next protein's identifier."""
        self._hashes.append(hash(identifier))

    @property
    def count(self) -> int:
        """Number of proteins so far."""
        return len(self._hashes)

    def repeats(self) -> Repeats | None:
        """Which of the identifiers so far occur more than once; None if none does."""
        hashes = np.array(self._hashes, dtype=np.int64)
        _, firsts, counts = np.unique(hashes, return_index=True, return_counts=True)
        if len(firsts) == len(hashes):
            return None
        return Repeats(len(hashes) - len(firsts), int(firsts[counts > 1].min()))
