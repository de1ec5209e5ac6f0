"""What a source says of a protein, before rules make labels of it."""

from __future__ import annotations

from dataclasses import dataclass

EVIDENCE_LEVELS = ("any", "manual", "experimental")
"""How sure a feature is, from the least; index = level."""

TYPE = "TYPE"


@dataclass(frozen=True, slots=True)
class Feature:
    """A stretch of a protein with a name.

    Attributes:
        kind: UniProt's key: ``SIGNAL``, ``TRANSMEM``, ``TOPO_DOM``, ``LIPID``, ``PROPEP``,
            ``MOD_RES``.
        start: Position of the first residue, 1-based; None where that is not known.
        end: Position of the last residue, included; None where that is not known.
        note: What the source says of it.
        evidence: Level, index into `EVIDENCE_LEVELS`.
    """

    kind: str
    start: int | None
    end: int | None
    note: str = ""
    evidence: int = 0


@dataclass(frozen=True, slots=True)
class Label:
    """SP type and cleavage site as a source gives them.

    Attributes:
        sp_type: One of `peftsp.labels.SP_TYPES`.
        site: Residues before the cut; None for NO_SP.
    """

    sp_type: str
    site: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says of a protein.

    Attributes:
        place: File and line, or file and number of the entry.
        accession: Name of the protein.
        residues: Whole sequence or its start; empty where only another source has it.
        kingdom: One of `peftsp.labels.KINGDOM_LABELS`; None where that follows from the lineage.
        lineage: Names of taxa from the root on.
        features: What UniProt and GFF3 files say.
        unsaid: Kinds of features of which the source never says anything; `TYPE` where it tells no
            types of signal peptides apart.
        label: What tables, predictions and 3-line files say.
        topology: One letter a residue, I, M, O or U; empty where it follows from the features.
        group: Of organisms, or any other, to tell apart; empty where it follows from the lineage.
        partition: Given one.
        is_fragment: Whether the N-terminus may be missing.
        is_reviewed: Whether a curator has looked at it, so that a missing feature says something.
        is_weak: Whether its label is a prediction.
        has_labels: Whether the source says anything of signal peptides; not so for plain FASTA.
    """

    place: str
    accession: str
    residues: str
    kingdom: str | None = None
    lineage: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    unsaid: frozenset[str] = frozenset()
    label: Label | None = None
    topology: str = ""
    group: str = ""
    partition: int | None = None
    is_fragment: bool = False
    is_reviewed: bool = True
    is_weak: bool = False
    has_labels: bool = True


@dataclass(frozen=True, slots=True)
class Unusable:
    """A line or an entry that no record is made of.

    Attributes:
        place: File and line, or file and number of the entry.
        accession: Name of the protein; empty where there is none.
        reason: What was expected and what was found.
    """

    place: str
    accession: str
    reason: str
