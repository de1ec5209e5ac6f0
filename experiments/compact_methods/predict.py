"""Predict what a run did not train on: the validation and the test partition of its fold.

python experiments/compact_methods/predict.py runs/compact_methods/* -o predictions/
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp.data.download import SignalP6File
from peftsp.data.folds import nested_folds
from peftsp.data.regions import cleavage_site
from peftsp.inference.pipeline import predict
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers
from peftsp.records import LabelledRecord, SequenceRecord

COLUMNS = (
    *("accession", "partition", "kingdom", "sp_type", "cleavage_site", "membrane_start"),
    *("predicted_type", "predicted_site", *SP_TYPES),
)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    for run in options.runs:
        table = options.output / f"{run.name}.csv"
        if not table.exists():
            predict_run(run / "bundle", table)


def predict_run(bundle: Path, table: Path) -> None:
    """Write a row for each protein outside the partitions that a bundle was trained on."""
    data = read_bundle(bundle).training["data"]
    records = SignalP6File(data["name"], data["dir"]).load()
    fold = nested_folds(record.partition for record in records)[data["fold"]]
    unseen = [record for record in records if record.partition not in fold.train]
    rows = predict_rows(bundle, unseen)
    partial = table.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    partial.replace(table)


def predict_rows(bundle: Path, records: list[LabelledRecord]) -> list[list[object]]:
    """What is true and what is predicted of each record, as `COLUMNS`."""
    taggers = load_taggers([bundle])
    with_kingdom = any(tagger.head.kingdoms is not None for tagger in taggers)
    rows = []
    for number, kingdom in enumerate(KINGDOMS):
        chosen = [record for record in records if record.kingdom == kingdom]
        proteins = [SequenceRecord(r.accession, r.residues) for r in chosen]
        predictions = predict(proteins, taggers, 128, kingdom=number if with_kingdom else -1)
        predictions = tqdm(predictions, desc=f"{bundle.parent.name} {kingdom}", total=len(chosen))
        for record, found in zip(chosen, predictions, strict=True):
            row = [
                record.accession,
                record.partition,
                record.kingdom,
                record.sp_type,
                cleavage_site(record) or "",
                record.annotation.find("M") + 1 or "",
                found.sp_type,
                found.cleavage_site or "",
                *(f"{probability:.6f}" for probability in found.probabilities),
            ]
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
