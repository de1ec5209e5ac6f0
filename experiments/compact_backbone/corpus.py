"""Collect N-termini and inner windows of proteins, without near-duplicates, for pretraining.

python experiments/compact_backbone/corpus.py DATA -o corpus.npz

DATA holds proteomes/*.faa.gz (whole proteins), ntermini/*.faa.gz (their first 60 residues) and
signalp6/train_set.fasta (read without its labels).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from peftsp.alphabet import PAD_TOKEN
from peftsp.data.fasta import read_fasta
from peftsp.data.labelled import read_labelled
from peftsp.data.tokens import tokenize
from peftsp.labels import MAX_RESIDUES

EUKARYOTES = {
    *("cthermophilum", "panserina", "pberghei", "pfalciparum", "pknowlesi", "scerevisiae"),
    "tbrucei",
}
SHORTEST = 20  # residues

_KMER = 5  # residues
_BANDS = 8
_HASHES_PER_BAND = 2


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the sequences")
    parser.add_argument("-o", "--output", type=Path, default=Path("corpus.npz"))
    parser.add_argument("--seed", type=int, default=0, help="of windows and hashes")
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)

    sequences: dict[str, list[str]] = {name: [] for name in ("labelled", "prokaryote", "eukaryote")}
    windows: list[str] = []
    records = read_labelled(options.data / "signalp6" / "train_set.fasta")
    sequences["labelled"] = [record.residues for record in records]
    for path in tqdm(sorted((options.data / "proteomes").glob("*.faa.gz"))):
        is_eukaryote = path.name.partition(".")[0] in EUKARYOTES
        for record in read_fasta(path):
            sequences["eukaryote" if is_eukaryote else "prokaryote"].append(record.residues)
            windows.extend(inner_windows(record.residues, generator))
    for path in tqdm(sorted((options.data / "ntermini").glob("*.faa.gz"))):
        sequences["eukaryote"] += [record.residues for record in read_fasta(path)]

    # Labelled proteins come first, so that of a pair of duplicates they stay.
    named = [(name, residues) for name, group in sequences.items() for residues in group]
    named = [(name, r[:MAX_RESIDUES]) for name, r in named if len(r) >= SHORTEST]
    tokens = pad([tokenize(residues) for _, residues in named])
    is_kept = unlike(tokens, generator)
    groups = np.array([list(sequences).index(name) for name, _ in named], dtype=np.uint8)
    # A window has no <cls>: that stands at the start of a protein only.
    window_tokens = pad([tokenize(residues)[1:] for residues in windows])
    window_tokens = window_tokens[unlike(window_tokens, generator)]
    np.savez_compressed(
        options.output, ntermini=tokens[is_kept], groups=groups[is_kept], windows=window_tokens
    )
    counts = np.bincount(groups[is_kept], minlength=len(sequences))
    listed = ", ".join(f"{count:,} {name}" for name, count in zip(sequences, counts, strict=True))
    print(
        f"{options.output}: {is_kept.sum():,} of {len(tokens):,} N-termini ({listed}), "
        f"{len(window_tokens):,} of {len(windows):,} windows"
    )


def inner_windows(residues: str, generator: np.random.Generator) -> list[str]:
    """One stretch of 70 residues that does not touch the N-terminal 70, if there is one."""
    last = len(residues) - MAX_RESIDUES
    if last < MAX_RESIDUES:
        return []
    start = int(generator.integers(MAX_RESIDUES, last + 1))
    return [residues[start : start + MAX_RESIDUES]]


def pad(rows: list[list[int]]) -> NDArray[np.uint8]:
    """Token rows as one array, uint8, ``(N, T)``."""
    padded = np.full((len(rows), MAX_RESIDUES + 2), PAD_TOKEN, dtype=np.uint8)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded


def unlike(tokens: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows to keep so that no two share most of their 5-residue words.

    MinHash with banding (Broder, 1997; Leskovec et al., "Mining of Massive Datasets", chapter 3):
    two rows that share a part J of their words collide with probability 1 - (1 - J²)⁸, which is
    0.99 for J = 0.7 and 0.08 for J = 0.1.

    Args:
        tokens: uint8, ``(N, T)``.
        generator: Draws the hash functions.

    Returns:
        bool, ``(N,)``; of rows that collide the first is kept.
    """
    words = np.zeros((len(tokens), tokens.shape[1] - _KMER + 1), dtype=np.uint64)
    for offset in range(_KMER):
        words = words * np.uint64(33) + tokens[:, offset : offset + words.shape[1]]
    is_word = tokens[:, _KMER - 1 :] != PAD_TOKEN
    is_kept = np.ones(len(tokens), dtype=bool)
    for _ in tqdm(range(_BANDS), desc="near-duplicates"):
        band = np.zeros(len(tokens), dtype=np.uint64)
        for _ in range(_HASHES_PER_BAND):
            factor, shift = generator.integers(1, 2**63, 2, dtype=np.uint64)
            hashes = (words * (factor | np.uint64(1)) + shift) >> np.uint64(20)
            smallest = np.where(is_word, hashes, np.uint64(2**63)).min(axis=1)
            band = band * np.uint64(0x9E3779B97F4A7C15) + smallest
        candidates = np.flatnonzero(is_kept)
        _, first = np.unique(band[candidates], return_index=True)
        is_kept[:] = False
        is_kept[candidates[first]] = True
    return is_kept


if __name__ == "__main__":
    main()
