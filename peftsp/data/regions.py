"""Labelled records to target bitmaps: the CRF states that each residue may be in.

An annotation says where the signal peptide ends, not where its regions meet, so the bitmap leaves
the borders open and training sums over all paths within it. The rules are those of SignalP 6.0
(Teufel et al., Nat. Biotechnol. 2022) as PEFT-SP (Zeng et al., Genome Research 2024) applies them,
with two mends for records to which theirs leave no legal path:

- PILIN: the h-region stops before the last M residue, although h may only be followed by O. Where
  no path remains, that residue may be h too.
- TAT and TATLIPO: where the twin arginine found is so close to the cleavage site that no h-region
  fits between, it is searched again where seven residues of h-region fit. Where there is none,
  borders are drawn as in LIPO.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from peftsp.data.hydrophobicity import hydrophobic_position
from peftsp.data.legality import has_legal_path
from peftsp.labels import (
    ANNOTATION_LETTER,
    MAX_RESIDUES,
    STATE_INDEX,
    STATES,
    UNKNOWN_TOPOLOGY,
)
from peftsp.records import LabelledRecord

Bitmap = NDArray[np.bool_]

_H_RESIDUES = 7
"""Length of the window in which hydrophobicity is summed up, and of a short h-region."""


def cleavage_site(record: LabelledRecord) -> int | None:
    """Return the number of residues before the cut, or None where there is no signal peptide.

    >>> cleavage_site(LabelledRecord("P1", "EUKARYA", "SP", 0, "MKLAAQ", "SSSSOO"))
    4
    """
    letter = ANNOTATION_LETTER[record.sp_type]
    return None if letter is None else record.annotation.rfind(letter) + 1


def region_bitmap(record: LabelledRecord) -> Bitmap:
    """Return the states that each residue of a record may be in.

    >>> record = LabelledRecord("P1", "EUKARYA", "NO_SP", 0, "MKLAAQ", "IIMMOO")
    >>> region_bitmap(record).argmax(axis=1)
    array([0, 0, 1, 1, 2, 2])

    Returns:
        bool, ``(L, C)``, where L is the number of residues. Rows of residues that the annotation
        gives no state are all False; `has_legal_path` finds records that no path satisfies.
    """
    bitmap = np.zeros((len(record.residues), len(STATES)), dtype=bool)
    letters = np.frombuffer(record.annotation.encode("ascii"), dtype=np.uint8)
    is_unknown = letters == ord(UNKNOWN_TOPOLOGY)
    for letter in "IMO":
        state = STATE_INDEX[f"{record.sp_type}_{letter}"]
        bitmap[:, state] = is_unknown | (letters == ord(letter))
    peptide = record.residues[: cleavage_site(record) or 0]
    if record.sp_type == "SP":
        _mark_sp(bitmap, peptide)
    elif record.sp_type == "LIPO":
        _mark_lipo(bitmap, peptide)
    elif record.sp_type in ("TAT", "TATLIPO"):
        _mark_tat(bitmap, peptide, record.sp_type)
    elif record.sp_type == "PILIN":
        _mark_pilin(bitmap, peptide, record.annotation)
    return bitmap


def region_bitmaps(records: Sequence[LabelledRecord]) -> Bitmap:
    """Return the bitmaps of many records.

    Returns:
        bool, ``(N, 70, C)``; rows beyond a record's length are all False.
    """
    bitmaps = np.zeros((len(records), MAX_RESIDUES, len(STATES)), dtype=bool)
    for bitmap, record in zip(bitmaps, records, strict=True):
        bitmap[: len(record.residues)] = region_bitmap(record)
    return bitmaps


def _mark(bitmap: Bitmap, state: str, start: int, stop: int) -> None:
    # A peptide shorter than its regions must not wrap around to the end of the sequence.
    bitmap[max(start, 0) : max(stop, 0), STATE_INDEX[state]] = True


def _mark_sp(bitmap: Bitmap, peptide: str) -> None:
    cut, middle = len(peptide), hydrophobic_position(peptide)
    _mark(bitmap, "SP_N", 0, middle)
    _mark(bitmap, "SP_H", 2, cut - 3 if cut - 3 > middle else middle + 1)
    _mark(bitmap, "SP_C", middle + 1, cut)


def _mark_lipo(bitmap: Bitmap, peptide: str) -> None:
    cut = len(peptide)
    _mark(bitmap, "LIPO_N", 0, hydrophobic_position(peptide))
    _mark(bitmap, "LIPO_H", 2, cut - 2)
    _mark_lipobox(bitmap, "LIPO", cut)


def _mark_lipobox(bitmap: Bitmap, sp_type: str, cut: int) -> None:
    _mark(bitmap, f"{sp_type}_CS", cut - 2, cut)
    # The cysteine after the cut can be nothing else.
    bitmap[cut : cut + 1] = False
    _mark(bitmap, f"{sp_type}_C1", cut, cut + 1)


def _mark_tat(bitmap: Bitmap, peptide: str, sp_type: str) -> None:
    cut, middle = len(peptide), hydrophobic_position(peptide)
    motif = _twin_arginine(peptide)
    if motif + 3 >= cut - 2:
        motif = _twin_arginine(peptide[: max(cut - 3 - _H_RESIDUES, 0)])
    if motif > 0:
        _mark(bitmap, f"{sp_type}_N", 0, motif)
        _mark(bitmap, f"{sp_type}_RR", motif, motif + 2)
        _mark(bitmap, f"{sp_type}_N", motif + 2, motif + 3)
        _mark(bitmap, f"{sp_type}_H", motif + 3, cut - 2)
    else:
        _mark(bitmap, f"{sp_type}_N", 0, middle)
        _mark(bitmap, f"{sp_type}_H", 2, cut - 2)
    if sp_type == "TAT":
        _mark(bitmap, "TAT_C", middle + 1, cut)
    else:
        _mark_lipobox(bitmap, sp_type, cut)


def _twin_arginine(peptide: str) -> int:
    """Return the start of the last RR, else KR, else of R and the residue before; else < 0."""
    for pair in ("RR", "KR"):
        if pair in peptide:
            return peptide.rfind(pair)
    return peptide.rfind("R") - 1


def _mark_pilin(bitmap: Bitmap, peptide: str, annotation: str) -> None:
    cut, last_membrane = len(peptide), annotation.rfind("M")
    if UNKNOWN_TOPOLOGY in annotation:
        last_membrane = len(annotation) - 1
    _mark(bitmap, "PILIN_P", 0, cut)
    _mark(bitmap, "PILIN_CS", cut, cut + 5)
    _mark(bitmap, "PILIN_H", cut + 5, last_membrane)
    if not has_legal_path(bitmap[None], np.array([len(bitmap)])).all():
        _mark(bitmap, "PILIN_H", last_membrane, last_membrane + 1)
