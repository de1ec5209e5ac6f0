"""Homology partitions: GraphPart's, or groups that are kept apart."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from peftsp.errors import ConfigError, RecordError
from peftsp.prepare.homology import Pair

REMOVED = -1
"""Instead of a partition, of a protein that is left out."""

_EDGES = "edges.csv"


def homology_partitions(
    labels: Sequence[str], pairs: Iterable[Pair], count: int, identity: float
) -> list[int]:
    """Partitions without homologs in different ones, each label spread evenly.

    By GraphPart (Teufel et al., NAR Genomics and Bioinformatics 2023), which removes proteins where
    it cannot be done otherwise. The same input gives the same partitions.

    Args:
        labels: Of each protein, what is to be spread.
        pairs: All homologs.
        count: How many partitions, at least 2.
        identity: From which on `pairs` are homologs.

    Returns:
        A partition from 0 for each protein, or `REMOVED`.

    Raises:
        ConfigError: graph-part is not installed.
        RecordError: There are fewer proteins than partitions, or a partition stays empty.
    """
    try:
        from graph_part.api import stratified_k_fold
    except ImportError as error:
        raise ConfigError(
            f"partitions: expected the package graph-part, found none ({error}): "
            "pip install graph-part"
        ) from error
    if len(labels) < count:
        raise RecordError(f"partitions: expected {count} proteins or more, found {len(labels)}")
    names = [f"p{place}" for place in range(len(labels))]
    # GraphPart works on files in the current folder, and reports on the screen.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        lines = (f"{names[a]},{names[b]},{share:.6f}\n" for a, b, share in pairs)
        Path(_EDGES).write_text("".join(lines), encoding="utf-8")
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            try:
                parts = stratified_k_fold(
                    dict.fromkeys(names, "M"),
                    labels=dict(zip(names, labels, strict=True)),
                    partitions=count,
                    # It asks for more than the threshold.
                    threshold=identity - 1e-6,
                    alignment_mode="precomputed",
                    edge_file=_EDGES,
                    metric_column=2,
                )
            except RuntimeError as error:  # as it says where a partition would stay empty
                raise RecordError(
                    f"partitions: expected {count} without homologs in different ones, found "
                    f"that {len(labels)} proteins do not give so many"
                ) from error
    partition = [REMOVED] * len(labels)
    for number, members in enumerate(parts):
        for name in members:
            partition[int(name[1:])] = number
    return partition


def separate(groups: Sequence[int], pairs: Iterable[Pair]) -> list[int]:
    """Groups as partitions, less the proteins that have homologs in other groups.

    Those with most such homologs go first, until there are none.

    >>> separate([0, 0, 1, 1], [(0, 2, 0.9), (0, 3, 0.9), (2, 3, 0.9)])
    [-1, 0, 1, 1]
    """
    between: dict[int, set[int]] = defaultdict(set)
    for first, second, _ in pairs:
        if groups[first] != groups[second]:
            between[first].add(second)
            between[second].add(first)
    partition = list(groups)
    while any(between.values()):
        worst = max(between, key=lambda place: (len(between[place]), -place))
        for other in between.pop(worst):
            between[other].discard(worst)
        partition[worst] = REMOVED
    return partition
