"""From a FASTA file to a CSV file, as each contender's user would write it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import esm
import torch
from transformers import EsmTokenizer

from benchmarks.contender import Answer, Contender, Stopwatch
from benchmarks.contenders import HUGGING_FACE, REFERENCE
from benchmarks.ours import Ours
from benchmarks.workload import Task
from peftsp.alphabet import ALPHABET, PAD_TOKEN
from peftsp.data.batch import Batch
from peftsp.data.fasta import read_fasta
from peftsp.data.synthetic import FEWEST, SyntheticProteins
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.torch_models import TorchModels
from peftsp.inference.formats.table import table_row
from peftsp.labels import MAX_RESIDUES, SP_TYPES

_TAIL = 200
"""Residues behind the first 70, which reading has to skip."""

Protein = tuple[str, str]


def write_fasta(path: Path, proteins: int) -> None:
    """Write made-up proteins with tails, a few of them shorter than 70 residues."""
    records = SyntheticProteins(max(proteins, FEWEST), seed=1).load()[:proteins]
    tail = "".join(SyntheticProteins(FEWEST, seed=2).load()[i].residues for i in range(5))[:_TAIL]
    with path.open("w") as file:
        for index, record in enumerate(records):
            is_long = len(record.residues) == MAX_RESIDUES
            file.write(f">P{index}\n{record.residues}{tail if is_long else ''}\n")


def predict_file(name: str, contender: Contender, fasta: Path, table: Path, batch: int) -> None:
    """Predict a file with one contender.

    Args:
        name: Of the contender.
        contender: On a CPU or a GPU.
        fasta: Proteins.
        table: Written, a row a protein.
        batch: Proteins in a batch.
    """
    with table.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if isinstance(contender, Ours):
            device = next(contender.modules.parameters()).device
            found = predict_records(
                read_fasta(fasta), TorchModels([contender.tagger], device), batch
            )
            writer.writerows(table_row(prediction) for prediction in found)
            return
        encode = {REFERENCE: _fair_esm_encoder, HUGGING_FACE: _hugging_face_encoder}[name]()
        proteins = _read_plainly(fasta)
        while chosen := list(islice(proteins, batch)):
            answer = contender.predict(encode(chosen), Stopwatch(torch.device("cpu")))
            writer.writerows(_plain_rows(chosen, answer))


def _read_plainly(path: Path) -> Iterator[Protein]:
    name, parts = "", []
    with path.open() as file:
        for line in file:
            if line.startswith(">"):
                if parts:
                    yield name, "".join(parts)
                name, parts = line[1:].strip(), []
            else:
                parts.append(line.strip())
    yield name, "".join(parts)


def _fair_esm_encoder() -> Callable[[Iterable[Protein]], Task]:
    convert = esm.data.Alphabet.from_architecture("ESM-1b").get_batch_converter()

    def encode(proteins: Iterable[Protein]) -> Task:
        return _task(convert([(name, residues[:MAX_RESIDUES]) for name, residues in proteins])[2])

    return encode


def _hugging_face_encoder() -> Callable[[Iterable[Protein]], Task]:
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder) / "vocab.txt"
        vocabulary.write_text("\n".join(ALPHABET) + "\n")
        tokenizer = EsmTokenizer(str(vocabulary))

    def encode(proteins: Iterable[Protein]) -> Task:
        shown = [residues[:MAX_RESIDUES] for _, residues in proteins]
        return _task(tokenizer(shown, padding=True, return_tensors="pt")["input_ids"])

    return encode


def _task(tokens: torch.Tensor) -> Task:
    batch = Batch(tokens, tokens != PAD_TOKEN, torch.full((len(tokens),), -1))
    return Task(batch, tokens)


def _plain_rows(proteins: list[Protein], answer: Answer) -> Iterator[list[str | int]]:
    types = answer.path_types if answer.types is None else answer.types
    columns = types.tolist(), answer.sites.tolist()
    for (name, _), sp_type, site in zip(proteins, *columns, strict=True):
        yield [name, SP_TYPES[sp_type], site]
