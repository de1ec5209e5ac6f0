"""Label proteins by models, as further training records for ``data.extra_path``.

python experiments/compact_methods/pseudo_label.py RUN [RUN ...] --proteomes DIR -o extra.fasta

The models must not have seen the partitions that the models to be trained are tested on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from peftsp.data.batch import collate_tokens
from peftsp.data.fasta import read_fasta
from peftsp.data.labelled import write_labelled
from peftsp.data.legality import has_legal_path
from peftsp.data.regions import region_bitmap
from peftsp.data.tokens import tokenize
from peftsp.inference.ensemble import average_marginals, decode_marginals
from peftsp.labels import (
    ANNOTATION_LETTER,
    MAX_RESIDUES,
    SIGNAL_PEPTIDE_STATES,
    SP_TYPES,
    STATES,
)
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger
from peftsp.records import LabelledRecord, SequenceRecord

KINGDOM_OF_PROTEOME = {
    **dict.fromkeys(("bsubtilis", "cglutamicum", "dradiodurans", "mgenitalium"), "POSITIVE"),
    **dict.fromkeys(("mtuberculosis",), "POSITIVE"),
    **dict.fromkeys(("anabaenapcc7120", "baphidicola", "cyanothece", "ecoli"), "NEGATIVE"),
    **dict.fromkeys(("kstuttgartiensis", "paeruginosa", "sruminantium"), "NEGATIVE"),
    **dict.fromkeys(("sspeciespcc6803", "styphimurium", "tmaritima"), "NEGATIVE"),
    **dict.fromkeys(("tthermophilus",), "NEGATIVE"),
    **dict.fromkeys(("hvolcanii", "mjannaschii", "psyntrophicum"), "ARCHAEA"),
    **dict.fromkeys(("sacidocaldarius", "tvolcanium"), "ARCHAEA"),
    **dict.fromkeys(("scerevisiae",), "EUKARYA"),
}
PARTITION = 9  # of none; the records train whatever it is
BATCH_SIZE = 256
SHORTEST = 30  # residues, as in the labelled data


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--proteomes", type=Path, required=True, help="folder of NAME.faa.gz")
    parser.add_argument("--certainty", type=float, default=0.8, help="least probability of a type")
    parser.add_argument(
        "--negatives", type=float, default=1.0, help="NO_SP for each other, at most"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="3-line file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    taggers = load_taggers([run / "bundle" for run in options.runs])
    generator = np.random.default_rng(options.seed)
    kept: list[LabelledRecord] = []
    for name, kingdom in tqdm(KINGDOM_OF_PROTEOME.items()):
        proteins = unique(options.proteomes / f"{name}.faa.gz")
        records = list(label(proteins, taggers, kingdom, options.certainty))
        positive = [record for record in records if record.sp_type != "NO_SP"]
        negative = [record for record in records if record.sp_type == "NO_SP"]
        wanted = min(len(negative), round(options.negatives * len(positive)))
        drawn = generator.choice(len(negative), wanted, replace=False)
        kept += positive + [negative[index] for index in sorted(drawn)]
    write_labelled(kept, options.output)
    print(f"{options.output}: {len(kept):,} records")
    for cell, count in sorted(Counter((r.kingdom, r.sp_type) for r in kept).items()):
        print(*cell, count)


def unique(path: Path) -> list[SequenceRecord]:
    """Proteins that differ in their first 70 residues and start with methionine."""
    by_start = {record.residues[:MAX_RESIDUES]: record for record in read_fasta(path)}
    return [
        SequenceRecord(record.identifier.replace("|", "_"), residues)
        for residues, record in by_start.items()
        if len(residues) >= SHORTEST and residues.startswith("M") and "X" not in residues
    ]


@torch.inference_mode()
def label(
    proteins: Sequence[SequenceRecord], taggers: Sequence[Tagger], kingdom: str, certainty: float
) -> Iterator[LabelledRecord]:
    """Records of those proteins whose type is certain and whose path can be trained on."""
    by_length = sorted(proteins, key=lambda protein: len(protein.residues))
    for start in range(0, len(by_length), BATCH_SIZE):
        group = by_length[start : start + BATCH_SIZE]
        batch = collate_tokens([tokenize(protein.residues) for protein in group])
        marginals = average_marginals(taggers, batch.tokens, batch.mask, batch.kingdoms)
        decoded = decode_marginals(marginals, batch.residue_mask)
        rows = zip(
            group,
            decoded.probabilities.amax(dim=1).tolist(),
            decoded.sp_types.tolist(),
            decoded.paths.tolist(),
            strict=True,
        )
        for protein, probability, sp_type, path in rows:
            letters = annotation(path[: len(protein.residues)], SP_TYPES[sp_type])
            record = LabelledRecord(
                protein.header, kingdom, SP_TYPES[sp_type], PARTITION, protein.residues, letters
            )
            if probability >= certainty and is_trainable(record):
                yield record


def annotation(path: list[int], sp_type: str) -> str:
    """The letters of a path: those of its signal peptide, then inside, membrane, outside.

    >>> annotation([3, 4, 5, 8, 7], "SP")
    'SSSOM'
    """
    after = {"C1": "O", "CS": "O", "H": "M"}  # the last two behind the cut of a pilin
    letter = ANNOTATION_LETTER[sp_type] or ""
    return "".join(
        letter
        if state in SIGNAL_PEPTIDE_STATES
        else after.get(STATES[state].rpartition("_")[2], STATES[state][-1])
        for state in path
    )


def is_trainable(record: LabelledRecord) -> bool:
    """Whether some path fits the annotation under the rules for targets."""
    if record.sp_type == "PILIN" and "M" not in record.annotation:
        return False
    bitmap = region_bitmap(record)
    return bool(has_legal_path(bitmap[None], np.array([len(bitmap)])).all())


if __name__ == "__main__":
    main()
