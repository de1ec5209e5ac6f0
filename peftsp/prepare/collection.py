"""All sources together: labels joined with sequences, records, what could not be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peftsp.data.regions import cleavage_site
from peftsp.errors import RecordError
from peftsp.prepare.annotation import record_of
from peftsp.prepare.entry import Entry, Unusable
from peftsp.prepare.labels import UnclearLabelError
from peftsp.prepare.sources.kinds import reader_of
from peftsp.records import LabelledRecord


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record and what its header has no room for.

    Attributes:
        record: The record.
        place: Where it comes from.
        group: Of its organism.
        partition: Given one; None where there is none.
        is_weak: Whether its label is a prediction.
    """

    record: LabelledRecord
    place: str
    group: str
    partition: int | None
    is_weak: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """What the sources give.

    Attributes:
        proteins: Those that can be used, in the order of the sources.
        unusable: All that cannot, each with place and reason.
    """

    proteins: list[Prepared]
    unusable: list[Unusable]


def collect(paths: Sequence[Path], kingdom: str | None, evidence: int) -> Collection:
    """Read sources and make records.

    Sequences of FASTA files go to the labels of other sources by name. Of proteins with the same
    70 residues and labels the first stays; where their labels differ, none does.

    Args:
        paths: The sources, of any kinds.
        kingdom: Of proteins whose source has none.
        evidence: Least level of a signal peptide, index into
            `peftsp.prepare.entry.EVIDENCE_LEVELS`.

    Raises:
        RecordError: A source is of no known kind, or cannot be read.
    """
    read = [one for path in paths for one in reader_of(path)(path)]
    unusable = [one for one in read if isinstance(one, Unusable)]
    entries = _with_sequences([one for one in read if isinstance(one, Entry)], unusable)
    proteins = []
    for entry in entries:
        try:
            record, group = record_of(entry, kingdom, evidence)
        except UnclearLabelError as error:
            unusable.append(Unusable(entry.place, entry.accession, str(error)))
            continue
        proteins.append(Prepared(record, entry.place, group, entry.partition, entry.is_weak))
    return Collection(_distinct(proteins, unusable), unusable)


def _with_sequences(entries: Iterable[Entry], unusable: list[Unusable]) -> list[Entry]:
    sequences: dict[str, Entry] = {}
    labelled = []
    for entry in entries:
        if entry.has_labels:
            labelled.append(entry)
            continue
        other = sequences.setdefault(entry.accession, entry)
        if other.residues != entry.residues:
            raise RecordError(
                f"{entry.place}: expected one sequence of each name, found another of "
                f"{entry.accession} in {other.place}"
            )
    by_short: dict[str, list[Entry]] = defaultdict(list)
    for name, entry in sequences.items():
        by_short[short(name)].append(entry)
    used: set[str] = set()
    joined = []
    for entry in labelled:
        named = replace(entry, accession=short(entry.accession))
        if not entry.residues:
            whole = sequences.get(entry.accession)
            found = [whole] if whole else by_short.get(named.accession, [])
            used.update(one.accession for one in found)
            if len({one.residues for one in found}) > 1:
                reason = f"expected one sequence of this name, found {len(found)}"
                unusable.append(Unusable(entry.place, entry.accession, reason))
                continue
            named = replace(named, residues=found[0].residues if found else "")
        joined.append(named)
    for name, entry in sequences.items():
        if name not in used:
            unusable.append(
                Unusable(entry.place, name, "expected a label of this name, found none")
            )
    return joined


def short(name: str) -> str:
    """The accession in a name as UniProt's FASTA files have it; other names as they are.

    >>> short("sp|P0A855|TOLB_ECOLI"), short("mine|1")
    ('P0A855', 'mine|1')
    """
    parts = name.split("|")
    return parts[1] if len(parts) == 3 and parts[0] in ("sp", "tr") else name


def _distinct(proteins: list[Prepared], unusable: list[Unusable]) -> list[Prepared]:
    alike: dict[str, list[Prepared]] = defaultdict(list)
    for protein in proteins:
        alike[protein.record.residues].append(protein)
    kept = []
    for group in alike.values():
        first = group[0].record
        labels = {(p.record.sp_type, cleavage_site(p.record)) for p in group}
        if len(labels) == 1:
            kept.append(group[0])
            reason = f"expected each sequence once, found that of {first.accession} again"
            unusable += [Unusable(p.place, p.record.accession, reason) for p in group[1:]]
            continue
        shown = ", ".join(sorted(f"{t} {s or ''}".strip() for t, s in labels))
        reason = f"expected one label of a sequence, found {shown} of {len(group)} proteins"
        unusable += [Unusable(p.place, p.record.accession, reason) for p in group]
    return kept
