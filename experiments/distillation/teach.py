"""Let a model label unlabelled N-termini, for a student to train on, as a 3-line file.

python experiments/distillation/teach.py corpus.npz --bundle RUN/bundle -o taught.fasta

corpus.npz is what experiments/compact_backbone/corpus.py writes; of it only sequences unlike all
labelled ones are used. Of the teacher nothing is taken but what it predicts.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from peftsp import predict
from peftsp.alphabet import ALPHABET
from peftsp.data.labelled import write_labelled
from peftsp.data.legality import has_legal_path
from peftsp.data.regions import region_bitmaps
from peftsp.durable import whole_file
from peftsp.labels import (
    ANNOTATION_LETTER,
    MAX_RESIDUES,
    RESIDUE_REGIONS,
    UNKNOWN_KINGDOM,
    UNKNOWN_TOPOLOGY,
)
from peftsp.records import LabelledRecord, Prediction

_LABELLED = 0  # group of the corpus
_NO_PARTITION = 0
_TOPOLOGY = (("inside", "I"), ("membrane", "M"), ("outside", "O"))
_SURE = 0.9  # probability of a residue's topology, below which it is left open


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument(
        "--bundle", type=Path, nargs="+", required=True, help="the teacher; several are averaged"
    )
    parser.add_argument("--proteins", type=int, default=80_000, help="so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--precision", default="auto", help="as of peftsp-predict")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    proteins = drawn(options.corpus, options.proteins, options.seed)
    predictions = predict(
        proteins,
        bundle=options.bundle,
        has_region_probabilities=True,
        precision=options.precision,
        threads=1,
    )
    records = [record_of(p) for p in tqdm(predictions, total=len(proteins), desc="teaching")]
    lengths = np.array([len(record.residues) for record in records])
    is_legal = has_legal_path(region_bitmaps(records), lengths)
    records = [record for record, legal in zip(records, is_legal, strict=True) if legal]
    with whole_file(options.output) as partial:
        write_labelled(records, partial)
    counts = Counter(record.sp_type for record in records)
    left_out = len(proteins) - len(records)
    print(", ".join(f"{n:,} {name}" for name, n in counts.items()), f"({left_out:,} left out)")


def drawn(corpus: Path, count: int, seed: int) -> dict[str, str]:
    """Unlabelled sequences of a corpus by name."""
    with np.load(corpus) as file:
        tokens = file["ntermini"][file["groups"] != _LABELLED]
    chosen = np.random.default_rng(seed).permutation(len(tokens))[:count]
    letters = np.array([token if len(token) == 1 else "" for token in ALPHABET])
    return {f"N{index}": "".join(letters[tokens[index]]) for index in sorted(chosen)}


def record_of(prediction: Prediction) -> LabelledRecord:
    """The call as a label; the topology where the teacher is sure of it."""
    residues = prediction.residues[:MAX_RESIDUES]
    site = prediction.cleavage_site or 0
    annotation = [UNKNOWN_TOPOLOGY] * len(residues)
    regions = prediction.region_array()
    for name, letter in _TOPOLOGY:
        for index in np.flatnonzero(regions[:, RESIDUE_REGIONS.index(name)] > _SURE):
            annotation[index] = letter
    annotation[:site] = [ANNOTATION_LETTER[prediction.sp_type] or ""] * site
    return LabelledRecord(
        prediction.identifier,
        UNKNOWN_KINGDOM,
        prediction.sp_type,
        _NO_PARTITION,
        residues,
        "".join(annotation),
    )


if __name__ == "__main__":
    main()
