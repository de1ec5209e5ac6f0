"""Homology partitions from the graph of homologs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import networkx as nx

from peftsp.errors import RecordError
from peftsp.prepare.homology import Pair

_SEED = 0
"""Of the order in which communities are sought."""


def community_partitions(pairs: Iterable[Pair], labels: Sequence[str], count: int) -> list[int]:
    """Spread communities of homologs evenly over partitions.

    Communities have many homologs within and few between them (Louvain: Blondel et al., J. Stat.
    Mech. 2008), so that little hinders two of them from lying apart. The largest is placed first,
    each where its labels are rarest so far. The same input gives the same partitions.

    >>> community_partitions([(0, 1, 0.9), (2, 3, 0.8)], ["SP"] * 4, 2)
    [0, 0, 1, 1]

    Args:
        pairs: All homologs.
        labels: Of each protein, what is to be spread.
        count: How many partitions, at least 2.

    Returns:
        A partition from 0 for each protein; homologs of different communities may lie apart.

    Raises:
        RecordError: There are fewer communities than partitions.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(labels)))
    graph.add_weighted_edges_from(pairs)
    communities = nx.community.louvain_communities(graph, seed=_SEED)
    if len(communities) < count:
        raise RecordError(
            f"partitions: expected {count} groups of proteins or more without homologs in each "
            f"other, found {len(communities)}"
        )
    total = Counter(labels)
    held: list[Counter[str]] = [Counter() for _ in range(count)]
    partition = [0] * len(labels)
    for members in sorted(communities, key=lambda members: (-len(members), min(members))):
        found = Counter(labels[place] for place in members)
        # Labels count alike, however frequent; without any of them in, the emptiest is taken.
        crowding = [
            (sum(n * part[label] / total[label] for label, n in found.items()), part.total())
            for part in held
        ]
        chosen = crowding.index(min(crowding))
        held[chosen].update(found)
        for place in members:
            partition[place] = chosen
    return partition
