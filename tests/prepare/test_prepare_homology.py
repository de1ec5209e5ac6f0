"""Homologs by identity, beside the global alignments of Biopython."""

import random
import sys
from itertools import combinations

import pytest

from peftsp.errors import ConfigError

pytest.importorskip("pyopal")
from peftsp.prepare.homology import homologs


def test_identity_is_that_of_the_alignment():
    [[(_, _, share)], _] = homologs(["MKLLAWFRND", "MKLLAWRND"], 0.5)
    assert share == pytest.approx(9 / 10)
    assert not any(homologs(["MKLLAWFRND", "MEDPGHTTSQ"], 0.3))


def relatives(rng, count):
    """Sequences that differ from one in some residues, and lack up to three in a row."""
    residues = "ACDEFGHIKLMNPQRSTVWY"
    parent = rng.choices(residues, k=30)
    for number in range(count):
        child = [rng.choice(residues) if rng.random() < 0.25 else r for r in parent]
        start = rng.randrange(5, 20)
        del child[start : start + number % 4]
        yield "M" + "".join(child)


def test_pairs_are_those_of_the_best_alignments_of_biopython():
    align = pytest.importorskip("Bio.Align")
    aligner = align.PairwiseAligner(mode="global", open_gap_score=-11, extend_gap_score=-1)
    aligner.substitution_matrix = align.substitution_matrices.load("BLOSUM62")
    sequences = list(relatives(random.Random(0), 8))
    found = {(a, b): share for row in homologs(sequences, 0.55) for a, b, share in row}
    for pair in combinations(range(8), 2):
        best = aligner.align(*(sequences[place] for place in pair))
        shares = {round(a.counts().identities / a.length, 9) for a in best}
        assert round(found.get(pair, min(shares)), 9) in shares
        assert pair in found or min(shares) < 0.55
    assert 5 < len(found) < 25


def test_only_pairs_of_different_partitions_are_looked_at():
    alike = ["MKLLAWFRND"] * 4
    assert list(homologs(alike, 1.0, [0, 1, 0, 1])) == [
        [(0, 1, 1.0), (0, 3, 1.0)],
        [(1, 2, 1.0)],
        [(2, 3, 1.0)],
        [],
    ]


def test_least_identity_is_included():
    pair = ["MKLLAWFRND", "MKLLAWFRNE"]
    assert list(homologs(pair, 0.9)) == [[(0, 1, 0.9)], []]
    assert list(homologs(pair, 0.91)) == [[], []]


def test_rare_residues_count_as_those_that_they_are_like():
    rare, common = ["MKUOJAWFRN", "MKCKLAWFRN"], ["MKCKLAWFRN"] * 2
    assert list(homologs(rare, 0.9)) == list(homologs(common, 0.9)) == [[(0, 1, 1.0)], []]


def test_no_sequences_have_no_homologs():
    assert list(homologs([], 0.3)) == []
    assert list(homologs(["MKL"], 0.3)) == [[]]


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyopal", None)
    with pytest.raises(ConfigError, match="partitions: expected the package pyopal, found none"):
        next(homologs(["MKL", "MKL"], 0.3))
