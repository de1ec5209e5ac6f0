"""Tat lipoproteins made of two proteins, for data that have too few of them to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from peftsp.data.regions import cleavage_site
from peftsp.errors import ConfigError
from peftsp.labels import ANNOTATION_LETTER, KINGDOMS, MAX_RESIDUES
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
        ends = [r for r in of_kingdom if r.sp_type == "LIPO" and _lipoprotein_end(r)[0]]
        pairs = list(product(starts, ends))
        chosen = generator.permutation(len(pairs))[:count]
        made += [_joined(*pairs[index]) for index in chosen]
    return made


def _tat_start(record: LabelledRecord) -> str:
    return record.residues[: max((cleavage_site(record) or 0) - _C_REGION, 0)]


def _lipoprotein_end(record: LabelledRecord) -> tuple[str, str]:
    """Residues from the lipobox on, and the annotation of those behind the cut."""
    cut = cleavage_site(record) or 0
    if cut < _LIPOBOX or record.residues[cut : cut + 1] != "C":
        return "", ""
    return record.residues[cut - _LIPOBOX :], record.annotation[cut:]


def _joined(tat: LabelledRecord, lipoprotein: LabelledRecord) -> LabelledRecord:
    start = _tat_start(tat)
    end, annotation = _lipoprotein_end(lipoprotein)
    letters = ANNOTATION_LETTER["TATLIPO"] * (len(start) + _LIPOBOX)
    return LabelledRecord(
        accession=f"{tat.accession}+{lipoprotein.accession}",
        kingdom=tat.kingdom,
        sp_type="TATLIPO",
        partition=tat.partition,
        residues=(start + end)[:MAX_RESIDUES],
        annotation=(letters + annotation)[:MAX_RESIDUES],
    )
