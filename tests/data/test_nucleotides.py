"""DNA is told from proteins, and proteins are never taken for DNA."""

import random

import pytest

from peftsp.data.fasta import read_fasta
from peftsp.data.nucleotides import are_nucleotides


def drawn(letters, length, seed=0):
    return "".join(random.Random(seed).choices(letters, k=length))


@pytest.mark.parametrize(
    "sequences",
    [
        [drawn("ACGT", 50)],
        [drawn("ACGU", 300, seed) for seed in range(5)],
        [drawn("ACGT", 30, seed) for seed in range(2)],
        ["N" * 40 + drawn("ACGT", 200)],
        [drawn("ACGT", 990) + "RYKMSWBDHV"],
    ],
    ids=["one", "rna", "short reads", "unknown bases", "ambiguous bases"],
)
def test_dna_is_recognised(sequences):
    assert are_nucleotides(sequences)


@pytest.mark.parametrize(
    "sequences",
    [
        [],
        ["ACGTACGTGCA"],
        ["A" * 500],
        ["GAGAGT" * 100],
        ["N" * 300],
        ["ANGTTANN" * 30],
        [drawn("ACGT", 300), drawn("ACDEFGHIKLMNPQRSTVWY", 60)],
        [drawn("ACGT", 300) + "MKLIPW" * 10],
    ],
    ids=["none", "peptide", "poly-A", "silk", "poly-N", "no C", "one protein", "tagged"],
)
def test_protein_is_not_taken_for_dna(sequences):
    assert not are_nucleotides(sequences)


def test_no_real_protein_is_taken_for_dna(shared):
    count = 0
    for path in sorted((shared / "data" / "proteomes").glob("*.faa.gz")):
        for record in read_fasta(path):
            assert not are_nucleotides([record.residues]), record
            count += 1
    assert count > 50_000
