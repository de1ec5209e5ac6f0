"""Sources to a 3-line file, its page and the list of what is not in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.errors import ConfigError, RecordError
from peftsp.prepare.collection import Prepared, collect
from peftsp.prepare.entry import EVIDENCE_LEVELS, Unusable
from peftsp.prepare.homology import Pair, homologs
from peftsp.prepare.page import PreparedSet, render
from peftsp.prepare.partitions import REMOVED, homology_partitions, separate

SPLITS = ("homology", "given", "leave-one-group-out", "none")


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """What to prepare and how.

    Attributes:
        sources: Files of any kinds.
        output: The 3-line file; page and tables go beside it.
        kingdom: Of proteins whose source has none; None for unknown.
        evidence: One of `EVIDENCE_LEVELS`, of signal peptides.
        split: One of `SPLITS`.
        partitions: How many homology partitions.
        identity: From which on two proteins are homologs.
        overwrite: Whether earlier files may be replaced.
        has_progress: Show progress bars if standard error is a terminal.
    """

    sources: Sequence[Path]
    output: Path
    kingdom: str | None
    evidence: str
    split: str
    partitions: int
    identity: float
    overwrite: bool
    has_progress: bool


@dataclass(frozen=True, slots=True)
class PrepareSummary:
    """What was prepared.

    Attributes:
        shown: As on the page.
        groups: Names of the partitions where they are groups; empty otherwise.
        compared: Pairs of proteins of different partitions that were aligned once more.
    """

    shown: PreparedSet
    groups: list[str]
    compared: int


def outputs(output: Path) -> dict[str, Path]:
    """Files beside a 3-line file, by what they are."""
    stem = output.name.removesuffix(output.suffix)
    names = {"page": "report.html", "unusable": "unusable.tsv", "groups": "groups.tsv"}
    return {what: output.with_name(f"{stem}.{name}") for what, name in names.items()}


def prepare(settings: PrepareSettings) -> PrepareSummary:
    """Read sources, make partitions, and write the files, all or none.

    Raises:
        RecordError: A source cannot be read, no protein can be used, or partitions are impossible.
        ConfigError: A file is in the way, or a package is missing.
    """
    files = [settings.output, *outputs(settings.output).values()]
    for file in files:
        if file.exists() and not settings.overwrite:
            raise ConfigError(f"{file}: expected no file, found one; --overwrite replaces it")
        if file.resolve() in {source.resolve() for source in settings.sources}:
            raise ConfigError(f"{file}: expected another file than a source")
    if not settings.output.parent.is_dir():
        raise ConfigError(f"{settings.output.parent}: expected a folder, found none")
    evidence = EVIDENCE_LEVELS.index(settings.evidence)
    collected = collect(settings.sources, settings.kingdom, evidence)
    if not collected.proteins:
        first = collected.unusable[0] if collected.unusable else None
        found = f"none; {first.place}: {first.reason}" if first else "none"
        raise RecordError(
            f"{settings.sources[0]}: expected proteins that can be used, found {found}"
        )
    partition, pairs, groups = _partition(collected.proteins, settings)
    kept, removed = [], list(collected.unusable)
    for protein, number in zip(collected.proteins, partition, strict=True):
        if number == REMOVED:
            removed.append(_removal(protein, pairs, collected.proteins, partition))
        else:
            kept.append(replace(protein, record=replace(protein.record, partition=number)))
    numbers = [protein.record.partition for protein in kept]
    compared = 0 if settings.split == "none" else _verify(kept, numbers, settings)
    facts = _facts(settings, kept, removed, groups, compared)
    shown = PreparedSet(settings.output.name, facts, kept, numbers, removed)
    _write(shown, settings.output)
    return PrepareSummary(shown, groups, compared)


def _partition(
    proteins: Sequence[Prepared], settings: PrepareSettings
) -> tuple[list[int], list[Pair], list[str]]:
    if settings.split == "none":
        return [0] * len(proteins), [], []
    groups = _groups(proteins, settings.split)
    names = sorted(set(groups), key=lambda name: (len(name), name))
    if groups and len(names) < 3:
        raise RecordError(
            f"--split {settings.split}: expected 3 groups or more, found {', '.join(names)}"
        )
    found = homologs([p.record.residues for p in proteins], settings.identity)
    bar = tqdm(found, "aligning", len(proteins), disable=None if settings.has_progress else True)
    pairs = [pair for row in bar for pair in row]
    if groups:
        return separate([names.index(group) for group in groups], pairs), pairs, names
    labels = [f"{p.record.kingdom}_{p.record.sp_type}" for p in proteins]
    parts = homology_partitions(labels, pairs, settings.partitions, settings.identity)
    return parts, pairs, []


def _groups(proteins: Sequence[Prepared], split: str) -> list[str]:
    if split == "leave-one-group-out":
        return [protein.group for protein in proteins]
    if split != "given":
        return []
    for protein in proteins:
        if protein.partition is None:
            raise RecordError(
                f"{protein.place}: expected a partition as --split given asks for, "
                f"found none ({protein.record.accession})"
            )
    return [str(protein.partition) for protein in proteins]


def _removal(
    protein: Prepared, pairs: Sequence[Pair], proteins: Sequence[Prepared], partition: Sequence[int]
) -> Unusable:
    place = next(i for i, other in enumerate(proteins) if other is protein)
    near = {b if a == place else a for a, b, _ in pairs if place in (a, b)}
    parts = sorted({partition[other] for other in near} - {REMOVED})
    shown = ", ".join(map(str, parts)) or "none that is left"
    reason = f"removed: expected homologs in one partition, found them in {shown}"
    return Unusable(protein.place, protein.record.accession, reason)


def _verify(kept: Sequence[Prepared], numbers: list[int], settings: PrepareSettings) -> int:
    """Align once more all proteins of different partitions, and count these pairs."""
    residues = [protein.record.residues for protein in kept]
    found = homologs(residues, settings.identity, apart=numbers)
    bar = tqdm(found, "verifying", len(kept), disable=None if settings.has_progress else True)
    for row in bar:
        for first, second, share in row:
            raise RecordError(
                f"partitions: expected no homologs in different ones, found "
                f"{kept[first].record.accession} and {kept[second].record.accession}, {share:.2f}"
            )
    sizes = [numbers.count(number) for number in set(numbers)]
    return (len(kept) ** 2 - sum(size**2 for size in sizes)) // 2


def _facts(
    settings: PrepareSettings,
    kept: Sequence[Prepared],
    removed: Sequence[Unusable],
    groups: Sequence[str],
    compared: int,
) -> dict[str, str]:
    weak = sum(protein.is_weak for protein in kept)
    facts = {
        "Sources": ", ".join(path.name for path in settings.sources),
        "Proteins": f"{len(kept):,}" + (f", {weak:,} labelled by a predictor" if weak else ""),
        "Not used": f"{len(removed):,}",
        "Evidence of signal peptides": settings.evidence,
    }
    if groups:
        facts["Partitions"] = ", ".join(f"{n}: {name}" for n, name in enumerate(groups))
    if compared:
        facts["Homology"] = (
            f"no two of {compared:,} pairs in different partitions are {settings.identity:.0%} "
            f"identical or more, in global alignments of their first 70 residues"
        )
    else:
        facts["Homology"] = (
            "all in one partition: such a file can be tested on, or train beside another"
        )
    return facts


def _write(shown: PreparedSet, output: Path) -> None:
    places = outputs(output)
    partials = {
        path: path.with_name(f".{path.name}.partial") for path in (output, *places.values())
    }
    try:
        write_labelled((protein.record for protein in shown.proteins), partials[output])
        read_labelled(partials[output])
        partials[places["page"]].write_text(render(shown), encoding="utf-8")
        lost = ((one.place, one.accession, one.reason) for one in shown.unusable)
        _write_table(partials[places["unusable"]], ("place", "accession", "reason"), lost)
        rows = ((p.record.accession, p.group, p.place, int(p.is_weak)) for p in shown.proteins)
        _write_table(partials[places["groups"]], ("accession", "group", "place", "is_weak"), rows)
        for path, partial in partials.items():
            partial.replace(path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
