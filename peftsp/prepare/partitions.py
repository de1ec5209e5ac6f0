"""Homology partitions by GraphPart, and partitions that are kept apart."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from peftsp.errors import ConfigError, RecordError
from peftsp.prepare.homology import Pair

REMOVED = -1
"""Instead of a partition, of a protein that is left out."""

PYOPAL, MMSEQS2, NEEDLE = "pyopal", "mmseqs2", "needle"
ENGINES = (PYOPAL, MMSEQS2, NEEDLE)
"""What finds homologs: global alignments; for GraphPart Smith-Waterman of MMseqs2, or EMBOSS."""

_PROGRAMS = {MMSEQS2: "mmseqs", NEEDLE: "needleall"}
_OPTIONS = {MMSEQS2: ["--denominator", "longest"], NEEDLE: []}
_RESULT = "graphpart_result.csv"
_SCRIPT = "mmseqs_fake_prefilter.sh"


def check_engine(engine: str) -> None:
    """Check that an engine's program is installed.

    Raises:
        ConfigError: It is not.
    """
    program = _PROGRAMS.get(engine)
    if program and not shutil.which(program):
        raise ConfigError(f"--engine {engine}: expected the program {program}, found none")


def graphpart_partitions(
    sequences: Sequence[str],
    labels: Sequence[str],
    count: int,
    identity: float,
    engine: str,
) -> list[int]:
    """Partitions without homologs in different ones, each label spread evenly.

    By GraphPart (Teufel et al., NAR Genomics and Bioinformatics 2023), which removes proteins where
    it cannot be done otherwise. The same input gives the same partitions.

    Args:
        sequences: Upper case, letters A to Z.
        labels: Of each protein, what is to be spread.
        count: How many partitions, at least 2.
        identity: From which on two sequences are homologs.
        engine: `MMSEQS2` or `NEEDLE`.

    Returns:
        A partition from 0 for each protein, or `REMOVED`.

    Raises:
        ConfigError: A package or program is missing.
        RecordError: There are fewer proteins than partitions, or a partition stays empty.
    """
    if len(labels) < count:
        raise RecordError(f"partitions: expected {count} proteins or more, found {len(labels)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entries = (
            f">p{place}|label={label}\n{sequence}\n"
            for place, (label, sequence) in enumerate(zip(labels, sequences, strict=True))
        )
        (folder / "proteins.fasta").write_text("".join(entries), encoding="utf-8", newline="\n")
        # GraphPart leaves out homologs at the threshold itself.
        least = str(identity - 1e-6)
        words = ["--fasta-file", "proteins.fasta", "--threshold", least, "--labels-name", "label"]
        _run_graphpart(folder, [engine, *words, "--partitions", str(count), *_OPTIONS[engine]])
        partition = [REMOVED] * len(labels)
        with (folder / _RESULT).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                partition[int(row["AC"][1:])] = int(float(row["cluster"]))
    return partition


def _run_graphpart(folder: Path, words: Sequence[str]) -> None:
    """Run its command, which works in the current folder and finds its scripts by the path."""
    try:
        found = files("graph-part") or ()
    except PackageNotFoundError as error:
        raise ConfigError(
            "partitions: expected the package graph-part, found none: pip install graph-part"
        ) from error
    scripts = [str(Path(str(file.locate())).parent) for file in found if file.name == _SCRIPT]
    done = subprocess.run(
        [sys.executable, "-c", "from graph_part.cli import main; main()", *words],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join([*scripts, os.environ.get("PATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not (folder / _RESULT).is_file():
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RecordError(
            f"partitions: expected proteins that can be parted without homologs in different "
            f"partitions, found that GraphPart says {said!r}"
        )


def separate(partition: Sequence[int], pairs: Iterable[Pair]) -> list[tuple[int, ...]]:
    """Keep apart what has homologs in different partitions.

    Proteins with most such homologs are removed first, until there are none. Then those come back
    whose homologs are all in one partition, which is their own if they had one.

    >>> separate([0, 0, 1, 1], [(0, 2, 0.9), (0, 3, 0.9)])
    [(0, 1), (0,), (1,), (1,)]
    >>> separate([0, REMOVED, 1], [(1, 2, 0.9)])
    [(0,), (1,), (1,)]

    Args:
        partition: Of each protein, or `REMOVED`.
        pairs: At least all homologs of different partitions, and all of those that are removed.

    Returns:
        The partition of each protein; of one that is removed the several that are near it.
    """
    near: dict[int, set[int]] = defaultdict(set)
    for first, second, _ in pairs:
        near[first].add(second)
        near[second].add(first)
    kept = list(partition)

    def parts_of(place: int) -> set[int]:
        parts = {kept[other] for other in near[place]} | {partition[place]}
        return parts - {REMOVED} or {min(numbers, key=kept.count)}

    numbers = sorted(set(partition) - {REMOVED})
    between = {
        place: {
            o for o in others if REMOVED not in (kept[o], kept[place]) and kept[o] != kept[place]
        }
        for place, others in near.items()
    }
    while any(between.values()):
        worst = max(between, key=lambda place: (len(between[place]), -place))
        for other in between.pop(worst):
            between[other].discard(worst)
        kept[worst] = REMOVED
    for place, number in enumerate(kept):
        if number == REMOVED and len(parts := parts_of(place)) == 1:
            kept[place] = parts.pop()
    return [
        tuple(sorted(parts_of(place))) if number == REMOVED else (number,)
        for place, number in enumerate(kept)
    ]
