"""SP type and cleavage site from the features of an entry, by rule."""

from __future__ import annotations

import re

from peftsp.prepare.entry import EVIDENCE_LEVELS, TYPE, Entry, Feature, Label

_LIPIDS = ("diacylglycerol", "palmitoyl", "archaeol")
_LEADER = re.compile(r"leader (sequence|peptide)", re.IGNORECASE)


class UnclearLabelError(Exception):
    """No rule says which label an entry has; the message is the reason."""


def check_told_apart(entry: Entry, label: Label) -> None:
    """Check that the source would say of another type than SP or NO_SP; eukaryotes have none.

    Raises:
        UnclearLabelError: A lipoprotein or a pilin would have this label, too.
    """
    if TYPE in entry.unsaid:
        raise UnclearLabelError(
            f"expected a source that tells types of signal peptides apart, found one that does not "
            f"and says {label.sp_type}"
        )
    if entry.label is not None:
        return
    behind = entry.residues[label.site : label.site + 1] if label.site else ""
    if "LIPID" in entry.unsaid and label.sp_type in ("SP", "TAT") and behind in ("C", "X"):
        raise UnclearLabelError(
            f"expected the column Lipidation, as {behind} behind the cut may be a lipoprotein's, "
            "found none"
        )
    if "PROPEP" in entry.unsaid and label.sp_type == "NO_SP":
        raise UnclearLabelError(
            "expected the column Propeptide, which tells pilins from NO_SP, found none"
        )


def label_of(entry: Entry, evidence: int) -> Label:
    """The label that a source gives, or the one that follows from the features.

    - Tat from the note ``Tat-type signal``,
    - lipoproteins from a lipid at the residue behind the cut,
    - pilins from the note of a leader peptide whose cut is behind G or in front of a methylated
      residue,
    - NO_SP where a reviewed entry has no signal peptide and none of these.

    Args:
        entry: Of which protein.
        evidence: Least level of the signal peptide's evidence, index into `EVIDENCE_LEVELS`.

    Raises:
        UnclearLabelError: No rule says it.
    """
    if entry.label is not None:
        return entry.label
    signals = [feature for feature in entry.features if feature.kind == "SIGNAL"]
    leaders = [
        feature
        for feature in entry.features
        if feature.kind in ("PROPEP", "SIGNAL")
        and feature.start in (1, 2)
        and _LEADER.search(feature.note)
    ]
    if len(signals) > 1:
        raise UnclearLabelError(f"expected one signal peptide, found {len(signals)}")
    if leaders:
        return _pilin(entry, leaders[0], evidence)
    if signals:
        return _with_signal(entry, signals[0], evidence)
    if not entry.is_reviewed:
        raise UnclearLabelError(
            "expected a reviewed entry or another source that would name a signal peptide, "
            "found none"
        )
    return Label("NO_SP", None)


def _site_of(feature: Feature, evidence: int) -> int:
    if "not cleaved" in feature.note.casefold():
        raise UnclearLabelError("expected a signal peptide that is cut off, found 'Not cleaved'")
    if feature.start not in (1, 2) or feature.end is None:
        start, end = (p if p is not None else "?" for p in (feature.start, feature.end))
        raise UnclearLabelError(
            f"expected a known cleavage site, found {feature.kind} {start}..{end}"
        )
    if feature.evidence < evidence:
        raise UnclearLabelError(
            f"expected evidence {EVIDENCE_LEVELS[evidence]} for the signal peptide, "
            f"found {EVIDENCE_LEVELS[feature.evidence]}"
        )
    return feature.end


def _with_signal(entry: Entry, signal: Feature, evidence: int) -> Label:
    site = _site_of(signal, evidence)
    is_tat = "tat-type signal" in signal.note.casefold()
    has_lipid = any(
        feature.kind == "LIPID"
        and feature.start == site + 1
        and any(name in feature.note.casefold() for name in _LIPIDS)
        for feature in entry.features
    )
    if has_lipid:
        return Label("TATLIPO" if is_tat else "LIPO", site)
    return Label("TAT" if is_tat else "SP", site)


def _pilin(entry: Entry, leader: Feature, evidence: int) -> Label:
    site = _site_of(leader, evidence)
    is_methylated = any(
        feature.kind == "MOD_RES" and feature.start == site + 1 and "methyl" in feature.note
        for feature in entry.features
    )
    if not is_methylated and entry.residues[site - 1 : site] != "G":
        raise UnclearLabelError(
            "expected a pilin's leader to end with G or in front of a methylated residue, "
            f"found {entry.residues[site - 1 : site] or 'nothing'}"
        )
    return Label("PILIN", site)
