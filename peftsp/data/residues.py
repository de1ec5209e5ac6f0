"""Which characters are residues."""

from __future__ import annotations


def find_foreign(sequence: str) -> int | None:
    """Return the 0-based index of the first character that is no residue, None if all are.

    The 20 standard residues and B, J, O, U, X, Z together are the letters A to Z, in either case.

    >>> find_foreign("MKLX"), find_foreign("MK-X")
    (None, 2)
    """
    if sequence.isascii() and sequence.isalpha():
        return None
    return next((i for i, c in enumerate(sequence) if not (c.isascii() and c.isalpha())), None)
