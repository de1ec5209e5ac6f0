"""Entries to labelled records: checks, and annotation lines."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from peftsp.data.legality import has_legal_path
from peftsp.data.regions import region_bitmaps
from peftsp.data.residues import find_foreign
from peftsp.labels import ANNOTATION_LETTER, KINGDOMS, MAX_RESIDUES, UNKNOWN_TOPOLOGY
from peftsp.prepare.entry import Entry, Feature, Label
from peftsp.prepare.labels import UnclearLabelError, check_told_apart, label_of
from peftsp.prepare.lineage import kingdom_and_group
from peftsp.records import LabelledRecord

SHORTEST, LONGEST = 6, MAX_RESIDUES - 1
"""Residues of a signal peptide, at least and at most; a pilin's leader may be shorter."""

_TWIN_ARGININE = re.compile("RR|KR|RK")
_OUTSIDE = ("extracellular", "lumenal", "periplasmic", "vesicular", "exoplasmic", "perinuclear")
_INSIDE = ("cytoplasmic", "mitochondrial matrix", "nuclear", "stromal")


def record_of(entry: Entry, kingdom: str | None, evidence: int) -> tuple[LabelledRecord, str]:
    """The record of an entry, of partition 0, and the group of its organism.

    Where the source does not say on which side of a membrane a residue is, the annotation has U;
    so it has where no path of states can follow what the source says.

    Args:
        entry: Of which protein.
        kingdom: Of all proteins that have none of their own.
        evidence: Least level, index into `peftsp.prepare.entry.EVIDENCE_LEVELS`.

    Raises:
        UnclearLabelError: No record can be made; the message is the reason.
    """
    # Gene finders end a protein with the stop sign.
    entry = replace(entry, residues=entry.residues.upper().rstrip("*"))
    residues = entry.residues[:MAX_RESIDUES]
    _check_name(entry.accession)
    _check_sequence(entry, residues)
    label = label_of(entry, evidence)
    _check_peptide(label, residues)
    own, group = kingdom_and_group(entry.lineage)
    if own not in KINGDOMS:
        own = kingdom or own
    own = entry.kingdom or own
    if own != "EUKARYA":
        check_told_apart(entry, label)
    if own == "EUKARYA" and label.sp_type not in ("NO_SP", "SP"):
        raise UnclearLabelError(f"expected SP or NO_SP in a eukaryote, found {label.sp_type}")
    topology = entry.topology[:MAX_RESIDUES] or _topology(entry.features, len(residues))
    for letters in (topology, UNKNOWN_TOPOLOGY * len(residues)):
        site = label.site or 0
        annotation = (ANNOTATION_LETTER[label.sp_type] or "") * site + letters[site:]
        record = LabelledRecord(entry.accession, own, label.sp_type, 0, residues, annotation)
        if has_legal_path(region_bitmaps([record]), np.array([len(residues)])).all():
            return record, entry.group or group
    raise UnclearLabelError(
        f"expected a peptide that {label.sp_type} states can follow, found none"
    )


def _check_name(name: str) -> None:
    if not name or "|" in name:
        raise UnclearLabelError(f"expected a name without |, found {name or 'none'}")


def _check_sequence(entry: Entry, residues: str) -> None:
    if entry.is_fragment:
        raise UnclearLabelError("expected a whole protein, found a fragment")
    if not residues:
        raise UnclearLabelError("expected a sequence, found none of this name")
    foreign = find_foreign(residues)
    if foreign is not None:
        raise UnclearLabelError(
            f"expected residues A to Z, found {residues[foreign]!r} at position {foreign + 1}"
        )
    if residues[0] != "M":
        raise UnclearLabelError(f"expected M at the start, found {residues[0]}")


def _check_peptide(label: Label, residues: str) -> None:
    if label.site is None:
        return
    least = 1 if label.sp_type == "PILIN" else SHORTEST
    if not least <= label.site <= LONGEST:
        raise UnclearLabelError(
            f"expected a signal peptide of {least} to {LONGEST} residues, found {label.site}"
        )
    if label.site >= len(residues):
        raise UnclearLabelError(
            f"expected residues behind the cut at {label.site}, found {len(residues)} in all"
        )
    behind = residues[label.site]
    if label.sp_type in ("LIPO", "TATLIPO") and behind not in "CX":
        raise UnclearLabelError(f"expected C behind the cut of {label.sp_type}, found {behind}")
    if label.sp_type.startswith("TAT") and not _TWIN_ARGININE.search(residues[: label.site]):
        raise UnclearLabelError(f"expected RR, KR or RK in a {label.sp_type} peptide, found none")


def _topology(features: tuple[Feature, ...], length: int) -> str:
    """A letter a residue from membranes and domains.

    >>> _topology((Feature("TOPO_DOM", 1, 2, "Cytoplasmic"), Feature("TRANSMEM", 3, 4)), 5)
    'IIMMU'
    """
    letters = [UNKNOWN_TOPOLOGY] * length
    for feature in features:
        note = feature.note.casefold()
        letter = "M" if feature.kind in ("TRANSMEM", "INTRAMEM") else None
        if feature.kind == "TOPO_DOM":
            is_outside, is_inside = note.startswith(_OUTSIDE), note.startswith(_INSIDE)
            letter = "O" if is_outside else "I" if is_inside else None
        if letter and feature.start and feature.end:
            stretch = slice(feature.start - 1, min(feature.end, length))
            letters[stretch] = letter * len(letters[stretch])
    return "".join(letters)
