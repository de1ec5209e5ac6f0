"""Predict the partitions that runs did not train on, one table a run or ensemble of runs.

python experiments/compact_methods/predict.py RUN [RUN ...] -o predictions/
python experiments/compact_methods/predict.py RUN RUN RUN --ensemble NAME -o predictions/
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp.data.download import SignalP6File
from peftsp.data.folds import nested_folds
from peftsp.data.regions import cleavage_site
from peftsp.inference.compute.pipeline import Options, predict_records
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers
from peftsp.records import LabelledRecord, SequenceRecord

COLUMNS = (
    *("accession", "partition", "kingdom", "sp_type", "cleavage_site", "membrane_start"),
    *("predicted_type", "predicted_site", *SP_TYPES),
)
BATCH_SIZE = 128


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the tables")
    parser.add_argument(
        "--ensemble",
        metavar="NAME",
        help="predict each partition with the average of those runs that did not train on it",
    )
    parser.add_argument(
        "--hide-kingdom", action="store_true", help="do not tell models the kingdom that can use it"
    )
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    bundles = [run / "bundle" for run in options.runs]
    if options.ensemble:
        jobs = {options.ensemble: bundles}
    else:
        jobs = {run.name: [bundle] for run, bundle in zip(options.runs, bundles, strict=True)}
    for name, members in jobs.items():
        table = options.output / f"{name}.csv"
        if not table.exists():
            write_table(predict_unseen(members, name, options), table)


def write_table(rows: Iterable[list[object]], table: Path) -> None:
    """Write rows of `COLUMNS`; the file appears whole or not at all."""
    partial = table.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    partial.replace(table)


def predict_unseen(
    bundles: list[Path], title: str, options: argparse.Namespace
) -> Iterator[list[object]]:
    """Rows for the proteins of each partition, by those models that have not seen it."""
    seen, records = {}, []
    for bundle in bundles:
        data = read_bundle(bundle).training["data"]
        records = records or SignalP6File(data["name"], data["dir"]).load()
        fold = nested_folds(record.partition for record in records)[data["fold"]]
        of_split = {"train": fold.train, "validation": (fold.validation,), "test": (fold.test,)}
        seen[bundle] = {partition for name in data["train_splits"] for partition in of_split[name]}
    for partition in sorted({record.partition for record in records}):
        models = [bundle for bundle in bundles if partition not in seen[bundle]]
        chosen = [record for record in records if record.partition == partition]
        if models:
            yield from predict_rows(models, chosen, f"{title}, partition {partition}", options)


def predict_rows(
    bundles: list[Path], records: list[LabelledRecord], title: str, given: argparse.Namespace
) -> Iterator[list[object]]:
    """What is true and what is predicted of each record, as `COLUMNS`."""
    taggers = load_taggers(bundles)
    for number, kingdom in enumerate(KINGDOMS):
        chosen = [record for record in records if record.kingdom == kingdom]
        proteins = [SequenceRecord(record.accession, record.residues) for record in chosen]
        told = -1 if given.hide_kingdom else number
        options = Options(kingdom=told, precision=given.precision)
        predictions = predict_records(proteins, taggers, BATCH_SIZE, options=options)
        shown = tqdm(predictions, desc=f"{title}, {kingdom}", total=len(chosen))
        for record, found in zip(chosen, shown, strict=True):
            yield [
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


if __name__ == "__main__":
    main()
