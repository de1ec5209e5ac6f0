"""Communities of homologs are spread evenly, also where all proteins hang together."""

import random
from collections import Counter

import pytest

pytest.importorskip("networkx")
from peftsp.errors import RecordError
from peftsp.prepare.communities import community_partitions
from peftsp.prepare.partitions import separate


def test_a_chain_of_families_is_parted_where_it_is_thin():
    rng = random.Random(0)
    members, families = 10, 30
    pairs = [
        (family * members + a, family * members + b, 0.5)
        for family in range(families)
        for a in range(members)
        for b in range(a)
    ]
    pairs += [(family * members, (family + 1) * members + 1, 0.3) for family in range(families - 1)]
    rng.shuffle(pairs)
    labels = ["SP" if place // members % 3 == 0 else "NO_SP" for place in range(300)]
    partition = community_partitions(pairs, labels, 3)
    places = separate(partition, pairs)
    kept = [near[0] for near in places if len(near) == 1]
    assert len(kept) > 270
    assert min(Counter(kept).values()) > 80
    spread = Counter(p for p, label in zip(partition, labels, strict=True) if label == "SP")
    assert min(spread.values()) >= 20
    assert partition == community_partitions(pairs, labels, 3)


def test_proteins_that_are_all_alike_are_refused():
    pairs = [(a, b, 0.9) for a in range(6) for b in range(a)]
    with pytest.raises(RecordError, match="expected 3 groups of proteins or more"):
        community_partitions(pairs, ["SP"] * 6, 3)
