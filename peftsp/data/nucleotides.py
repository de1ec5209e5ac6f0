"""How DNA and RNA are told from proteins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from peftsp.errors import RecordError
from peftsp.records import SequenceRecord

LOOKED_AT = 20
"""Sequences of a source that tell."""
LETTERS = "ACGTUN"
BASES = ("A", "C", "G", "TU")
MIN_SHARE = 0.95
"""Of `LETTERS` in each sequence."""
MIN_LETTERS = 50
MIN_BASE_SHARE = 0.05
"""Of each of `BASES` in all."""


def are_nucleotides(sequences: Iterable[str]) -> bool:
    """Whether sequences are DNA or RNA and no proteins.

    Three things have to come together: of every sequence 95 % of the letters are A, C, G, T, U or
    N; they are 50 letters or more in all; and each of A, C, G and T or U makes up 5 % of them. The
    first alone is true of peptides such as polyalanine, which fail the third; the second lets short
    peptides pass.

    Args:
        sequences: Upper case.

    >>> are_nucleotides(["ATGGCGTAA" * 6]), are_nucleotides(["ACGT"]), are_nucleotides(["A" * 99])
    (True, False, False)
    """
    total: Counter[str] = Counter()
    for sequence in sequences:
        letters = Counter(sequence)
        if sum(letters[letter] for letter in LETTERS) < MIN_SHARE * len(sequence):
            return False
        total += letters
    bases = [sum(total[letter] for letter in base) for base in BASES]
    return total.total() >= MIN_LETTERS and min(bases) >= MIN_BASE_SHARE * total.total()


def proteins_alone(records: Iterable[SequenceRecord], name: str) -> Iterator[SequenceRecord]:
    """The same records, unless the first 20 of them are DNA or RNA.

    Args:
        records: Of one source.
        name: What error messages call it.

    Raises:
        RecordError: They are no proteins.
    """
    left = iter(records)
    first = list(islice(left, LOOKED_AT))
    if are_nucleotides(record.residues for record in first):
        raise RecordError(f"{name}: expected protein sequences, found DNA or RNA")
    yield from chain(first, left)
