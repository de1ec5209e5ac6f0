"""Whether two data sets are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from peftsp.records import LabelledRecord


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
        f"{r.accession}|{r.kingdom}|{r.sp_type}|{r.partition}|{r.residues}|{r.annotation}\n"
        for r in records
    )
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
