"""Whether two data sets are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from peftsp.records import LabelledRecord

_MARK_LENGTH = 8


@dataclass(frozen=True, slots=True)
class DatasetIdentity:
    """What a data set is, wherever it came from.

    Attributes:
        folds: How many it has.
        records: How many it has.
        sha256: Of what the records say; see `dataset_digest`.
    """

    folds: int
    records: int
    sha256: str


def sequence_mark(residues: str) -> str:
    """Eight hexadecimal digits that tell a sequence from nearly all others.

    >>> sequence_mark("MKLAAQ")
    '63b136c2'
    """
    return hashlib.sha256(residues.encode()).hexdigest()[:_MARK_LENGTH]


def split_marks(text: str) -> set[str]:
    """Marks that stand one behind the other."""
    return {text[at : at + _MARK_LENGTH] for at in range(0, len(text), _MARK_LENGTH)}


def dataset_digest(records: Iterable[LabelledRecord]) -> str:
    """Return the sha256 of what records say, whatever their order or the file they came from.

    >>> first = LabelledRecord("P1", "EUKARYA", "SP", 0, "MKLAAQ", "SSSSOO")
    >>> second = LabelledRecord("P2", "EUKARYA", "NO_SP", 1, "MKL", "OOO")
    >>> dataset_digest([first, second]) == dataset_digest([second, first])
    True
    >>> dataset_digest([first]) == dataset_digest([second])
    False
    """
    lines = (
        f"{r.accession}|{r.kingdom}|{r.sp_type}|{r.partition_field}|{r.residues}|{r.annotation}\n"
        for r in records
    )
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
