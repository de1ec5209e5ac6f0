"""Make many unlike proteins from those of proteomes, as a metagenome has them, and count repeats.

python benchmarks/metagenome.py 'proteomes/*.faa.gz' --proteins 1000000 -o million.faa.gz
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from peftsp.data.fasta import read_fasta
from peftsp.labels import MAX_RESIDUES

_RESIDUES = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", dtype=np.uint8)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("proteomes", type=Path, nargs="+")
    parser.add_argument("--proteins", type=int, default=1_000_000)
    parser.add_argument("--changed", type=float, default=0.2, help="share of residues")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    ends = [r.residues[:MAX_RESIDUES] for path in options.proteomes for r in read_fasta(path)]
    repeated = len(ends) - len(set(ends))
    print(f"{len(ends):,} proteins, of which {repeated:,} repeat the first {MAX_RESIDUES} residues")
    distinct = sorted(set(ends))
    generator = np.random.default_rng(options.seed)
    with gzip.open(options.output, "xt", compresslevel=1) as file:
        for number in tqdm(range(options.proteins), desc="proteins"):
            residues = distinct[number % len(distinct)]
            file.write(f">P{number + 1}\n{changed(residues, options.changed, generator)}\n")


def changed(residues: str, share: float, generator: np.random.Generator) -> str:
    """A sequence in which some residues but the first are drawn anew."""
    letters: NDArray[np.uint8] = np.frombuffer(residues.encode(), dtype=np.uint8).copy()
    is_new = generator.random(len(letters)) < share
    is_new[0] = False
    letters[is_new] = generator.choice(_RESIDUES, is_new.sum())
    return letters.tobytes().decode()


if __name__ == "__main__":
    main()
