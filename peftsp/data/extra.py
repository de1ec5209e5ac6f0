"""Records beside the data set, which only train."""

from __future__ import annotations

from collections.abc import Sequence

from peftsp.records import LabelledRecord


def trainable(
    extra: Sequence[LabelledRecord], held: Sequence[LabelledRecord]
) -> list[LabelledRecord]:
    """Those records beside a data set that may train a model which others validate or test.

    Left out are the sequences of these others, and proteins known to have homologs in a partition
    of theirs.

    >>> near = LabelledRecord("P1", "EUKARYA", "NO_SP", -1, "MKL", "UUU", near=(0, 2))
    >>> test = LabelledRecord("P2", "EUKARYA", "NO_SP", 2, "MEE", "UUU")
    >>> trainable([near], held=[test])
    []

    Args:
        extra: Those beside the data set.
        held: Those that validate or test.
    """
    sequences = {record.residues for record in held}
    partitions = {record.partition for record in held}
    return [
        record
        for record in extra
        if record.residues not in sequences and partitions.isdisjoint(record.near)
    ]
