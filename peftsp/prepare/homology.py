"""Which proteins are homologs: global alignments of all with all, by pyopal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from peftsp.errors import ConfigError

_MATRIX, _GAP_OPEN, _GAP_EXTEND = "BLOSUM62", 11, 1
_KNOWN = str.maketrans("UOJ", "CKL")

Pair = tuple[int, int, float]
"""Places of two sequences and their identity."""


def homologs(
    sequences: Sequence[str], identity: float, apart: Sequence[int] | None = None
) -> Iterator[list[Pair]]:
    """Yield for each sequence its homologs among the later ones.

    Homologs have at least this share of equal residues over the columns of their best global
    alignment, gaps counted, if its score (BLOSUM62) is above 0: below, two sequences are no more
    alike than by chance.

    >>> [pair for found in homologs(["MKLLAW", "MKLLAWA", "MEEDDT"], 0.5) for pair in found]
    [(0, 1, 0.8571428571428571)]

    Args:
        sequences: Upper case, letters A to Z.
        identity: Least share, above 0, at most 1.
        apart: Partition of each sequence; only pairs of different partitions are looked at.

    Raises:
        ConfigError: pyopal is not installed.
    """
    pyopal = _pyopal()
    aligner = pyopal.Aligner(_MATRIX, gap_open=_GAP_OPEN, gap_extend=_GAP_EXTEND)
    # The alphabet of the matrix has no U, O and J.
    known = [sequence.translate(_KNOWN) for sequence in sequences]
    database = pyopal.Database(known)
    lengths = np.array([len(sequence) for sequence in known])
    parts = np.arange(len(known)) if apart is None else np.asarray(apart)
    for place, query in enumerate(known):
        # As many columns can be equal as the shorter one has residues; the longer one has no fewer.
        later = np.arange(place + 1, len(known))
        shorter, longer = (
            np.minimum(lengths[later], len(query)),
            np.maximum(lengths[later], len(query)),
        )
        asked = later[(shorter >= identity * longer) & (parts[later] != parts[place])]
        yield list(_found(aligner, database, place, query, asked, identity))


def _found(
    aligner: Any, database: Any, place: int, query: str, asked: Any, identity: float
) -> Iterator[Pair]:
    if not len(asked):
        return
    scored = aligner.align(query, database.extract(asked.tolist()), mode="score", algorithm="nw")
    likely = asked[[result.score > 0 for result in scored]]
    if not len(likely):
        return
    aligned = aligner.align(query, database.extract(likely.tolist()), mode="full", algorithm="nw")
    for other, result in zip(likely, aligned, strict=True):
        columns = result.alignment
        share = columns.count("M") / len(columns)
        if share >= identity:
            yield place, int(other), share


def _pyopal() -> Any:
    try:
        import pyopal
    except ImportError as error:
        raise ConfigError(
            f"partitions: expected the package {error.name}, found none: pip install pyopal"
        ) from error
    return pyopal
