"""Tat lipoproteins made of two proteins, for data that have too few of them to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from peftsp.data.regions import cleavage_site
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, MAX_RESIDUES
from peftsp.records import LabelledRecord

_C_REGION = 6
"""Residues before a Tat signal peptide's cut that say which peptidase cuts it."""

_LIPOBOX = 3
"""Residues before a lipoprotein's cut that signal peptidase II needs, beside the cysteine."""


def tat_lipoproteins(
    records: Sequence[LabelledRecord], count: int, seed: int
) -> list[LabelledRecord]:
    """Join the start of Tat signal peptides to the end of lipoproteins' of the same kingdom.

    A Tat lipoprotein goes through the Tat translocon, by twin arginine and h-region, and is cut by
    signal peptidase II at the lipobox. The Tat protein gives what is before its c-region, the
    lipoprotein what follows from its lipobox on.

    >>> tat = LabelledRecord("A", "NEGATIVE", "TAT", 0, "MSRRKFLAAAGLAGAAVASAQEE", "T" * 20 + "OOO")
    >>> lipo = LabelledRecord("B", "NEGATIVE", "LIPO", 0, "MKKLLAVSLLAGCSSN", "L" * 12 + "OOOO")
    >>> [(c.residues, c.annotation) for c in tat_lipoproteins([tat, lipo], 5, seed=1)]
    [('MSRRKFLAAAGLAGLAGCSSN', 'TTTTTTTTTTTTTTTTTOOOO')]

    Args:
        records: Proteins of any kind; those that do not fit are left alone.
        count: How many to make of each kingdom, fewer where there are fewer pairs.
        seed: Decides which pairs, together with the records.

    Returns:
        Records of the type TATLIPO.

    Raises:
        ConfigError: The count is negative.
    """
    if count < 0:
        raise ConfigError(f"data.chimeras: expected 0 or more, found {count}")
    generator = np.random.default_rng(seed)
    made = []
    for kingdom in KINGDOMS:
        of_kingdom = [r for r in records if r.kingdom == kingdom]
        starts = [r for r in of_kingdom if r.sp_type == "TAT" and "RR" in _tat_start(r)]
        ends = [r for r in of_kingdom if r.sp_type == "LIPO" and _has_lipobox(r)]
        pairs = generator.permutation(len(starts) * len(ends))[:count]
        for start, end in (divmod(int(pair), len(ends)) for pair in pairs):
            made.append(_joined(starts[start], ends[end]))
    return made


def _tat_start(record: LabelledRecord) -> str:
    return record.residues[: max((cleavage_site(record) or 0) - _C_REGION, 0)]


def _has_lipobox(record: LabelledRecord) -> bool:
    cut = cleavage_site(record) or 0
    return cut >= _LIPOBOX and record.residues[cut : cut + 1] == "C"


def _joined(tat: LabelledRecord, lipoprotein: LabelledRecord) -> LabelledRecord:
    start = _tat_start(tat)
    cut = cleavage_site(lipoprotein) or 0
    peptide = "T" * (len(start) + _LIPOBOX)
    return LabelledRecord(
        accession=f"{tat.accession}+{lipoprotein.accession}",
        kingdom=tat.kingdom,
        sp_type="TATLIPO",
        partition=tat.partition,
        residues=(start + lipoprotein.residues[cut - _LIPOBOX :])[:MAX_RESIDUES],
        annotation=(peptide + lipoprotein.annotation[cut:])[:MAX_RESIDUES],
    )
