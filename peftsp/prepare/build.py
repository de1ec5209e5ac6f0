"""Sources to a 3-line file, its page and the list of what is not in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.durable import whole_file
from peftsp.errors import ConfigError, RecordError
from peftsp.prepare.collection import Prepared, collect
from peftsp.prepare.communities import community_partitions
from peftsp.prepare.entry import EVIDENCE_LEVELS, Unusable
from peftsp.prepare.homology import Pair, homologs
from peftsp.prepare.page import PreparedSet, render
from peftsp.prepare.partitions import (
    PYOPAL,
    REMOVED,
    check_engine,
    graphpart_partitions,
    separate,
)
from peftsp.records import LabelledRecord

SPLITS = ("homology", "given", "leave-one-group-out", "none")
_FEWEST_PARTITIONS = 3
"""One that trains, one that validates, one that tests."""


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
        engine: One of `peftsp.prepare.partitions.ENGINES`.
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
    engine: str
    overwrite: bool
    has_progress: bool


@dataclass(frozen=True, slots=True)
class PrepareSummary:
    """What was prepared.

    Attributes:
        shown: As on the page.
        groups: Names of the partitions where they are groups; empty otherwise.
        removed: How many proteins are near several partitions.
        compared: Pairs of proteins of different partitions that were aligned.
    """

    shown: PreparedSet
    groups: list[str]
    removed: int
    compared: int


def outputs(output: Path) -> dict[str, Path]:
    """Files beside a 3-line file, by what they are."""
    stem = output.name.removesuffix(output.suffix)
    names = {
        **{"page": "report.html", "unusable": "unusable.tsv", "groups": "groups.tsv"},
        "removed": "removed.fasta",
    }
    return {what: output.with_name(f"{stem}.{name}") for what, name in names.items()}


def prepare(settings: PrepareSettings) -> PrepareSummary:
    """Read sources, make partitions, and write the files, all or none.

    Raises:
        RecordError: A source cannot be read, no protein can be used, or partitions are impossible.
        ConfigError: A file is in the way, or a package is missing.
    """
    files = [settings.output, *outputs(settings.output).values()]
    for file in files:
        if file.is_dir():
            raise ConfigError(f"{file}: expected a file or nothing there, found a folder")
        if file.exists() and not settings.overwrite:
            raise ConfigError(f"{file}: expected no file, found one; --overwrite replaces it")
        if file.resolve() in {source.resolve() for source in settings.sources}:
            raise ConfigError(f"{file}: expected another file than a source")
    if not settings.output.parent.is_dir():
        raise ConfigError(f"{settings.output.parent}: expected a folder, found none")
    check_engine(settings.engine)
    evidence = EVIDENCE_LEVELS.index(settings.evidence)
    collected = collect(settings.sources, settings.kingdom, evidence)
    if not collected.proteins:
        first = collected.unusable[0] if collected.unusable else None
        found = f"none; {first.place}: {first.reason}" if first else "none"
        raise RecordError(
            f"{settings.sources[0]}: expected proteins that can be used, found {found}"
        )
    groups, places = _partition(collected.proteins, settings)
    kept, apart = [], []
    for protein, near in zip(collected.proteins, places, strict=True):
        if len(near) == 1:
            kept.append(replace(protein, record=replace(protein.record, partition=near[0])))
        else:
            record = replace(protein.record, partition=REMOVED, near=near)
            apart.append(replace(protein, record=record))
    removed = [*collected.unusable, *map(_removal, apart)]
    numbers = [protein.record.partition for protein in kept]
    _check_left(groups, set(numbers), settings.split)
    sizes = [numbers.count(number) for number in set(numbers)]
    compared = (len(kept) ** 2 - sum(size**2 for size in sizes)) // 2
    facts = _facts(settings, kept, removed, groups, compared)
    shown = PreparedSet(settings.output.name, facts, kept, numbers, removed)
    _write(shown, [protein.record for protein in apart], settings.output)
    return PrepareSummary(shown, groups, len(apart), compared)


def _partition(
    proteins: Sequence[Prepared], settings: PrepareSettings
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Names of groups that are partitions, and the partitions near each protein."""
    if settings.split == "none":
        return [], [(0,)] * len(proteins)
    groups = _groups(proteins, settings.split)
    names = sorted(set(groups), key=lambda name: (len(name), name))
    if groups and len(names) < _FEWEST_PARTITIONS:
        raise RecordError(
            f"--split {settings.split}: expected {_FEWEST_PARTITIONS} groups or more, found "
            f"{', '.join(names)}"
        )
    if groups:
        partition = [names.index(group) for group in groups]
        pairs = _pairs(proteins, partition, settings)
    else:
        partition, pairs = _by_homology(proteins, settings)
    places = separate(partition, pairs)
    assert not any(
        len(places[a]) == len(places[b]) == 1 and places[a] != places[b] for a, b, _ in pairs
    )
    return names, places


def _by_homology(
    proteins: Sequence[Prepared], settings: PrepareSettings
) -> tuple[list[int], list[Pair]]:
    """Partitions, and homologs in different ones and of those that GraphPart removed."""
    labels = [f"{protein.record.kingdom}_{protein.record.sp_type}" for protein in proteins]
    if settings.engine == PYOPAL:
        pairs = _pairs(proteins, None, settings)
        return community_partitions(pairs, labels, settings.partitions), pairs
    partition = graphpart_partitions(
        [protein.record.residues for protein in proteins],
        labels,
        settings.partitions,
        settings.identity,
        settings.engine,
    )
    apart = [REMOVED - n if number == REMOVED else number for n, number in enumerate(partition)]
    return partition, _pairs(proteins, apart, settings)


def _pairs(
    proteins: Sequence[Prepared], apart: Sequence[int] | None, settings: PrepareSettings
) -> list[Pair]:
    residues = [protein.record.residues for protein in proteins]
    found = homologs(residues, settings.identity, apart)
    bar = tqdm(found, "aligning", len(residues), disable=None if settings.has_progress else True)
    return [pair for row in bar for pair in row]


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


def _check_left(groups: Sequence[str], left: set[int], split: str) -> None:
    """Check that enough of the partitions that groups make have proteins left."""
    lost = [name for number, name in enumerate(groups) if number not in left]
    if lost and len(left) < _FEWEST_PARTITIONS:
        raise RecordError(
            f"--split {split}: expected {_FEWEST_PARTITIONS} groups or more with proteins whose "
            f"homologs are all in them, found none such in {', '.join(lost)}"
        )


def _removal(protein: Prepared) -> Unusable:
    parts = ", ".join(map(str, protein.record.near))
    reason = f"removed: expected homologs in one partition, found them in {parts}"
    return Unusable(protein.place, protein.record.accession, reason)


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
        left = {protein.record.partition for protein in kept}
        facts["Partitions"] = ", ".join(
            f"{n}: {name}{'' if n in left else ' (no protein left)'}"
            for n, name in enumerate(groups)
        )
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


def _write(shown: PreparedSet, removed: Sequence[LabelledRecord], output: Path) -> None:
    places = outputs(output)
    lost = ((one.place, one.accession, one.reason) for one in shown.unusable)
    rows = ((p.record.accession, p.group, p.place, int(p.is_weak)) for p in shown.proteins)
    with ExitStack() as files:  # all of them or none
        labelled = files.enter_context(whole_file(output))
        page, unusable, groups = (
            files.enter_context(whole_file(places[name])) for name in ("page", "unusable", "groups")
        )
        write_labelled((protein.record for protein in shown.proteins), labelled)
        read_labelled(labelled)
        if removed:
            write_labelled(removed, files.enter_context(whole_file(places["removed"])))
        page.write_text(render(shown), encoding="utf-8", newline="\n")
        _write_table(unusable, ("place", "accession", "reason"), lost)
        _write_table(groups, ("accession", "group", "place", "is_weak"), rows)
    if not removed:
        places["removed"].unlink(missing_ok=True)


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
