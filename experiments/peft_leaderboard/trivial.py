"""Baselines without a neural network, as finished runs that peftsp-report reads.

python experiments/peft_leaderboard/trivial.py train_set.fasta -o runs/peft_leaderboard-trivial

The most frequent type, and logistic regression on counts of one to three residues, whose strength
is chosen on the validation partition. Neither finds cleavage sites.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.preprocessing import MaxAbsScaler

from peftsp import __version__
from peftsp.data.folds import folds_of, split
from peftsp.data.identity import DatasetIdentity, dataset_digest
from peftsp.data.labelled import read_labelled
from peftsp.labels import SP_TYPES
from peftsp.records import LabelledRecord
from peftsp.runs.record import (
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    Cost,
    RunRecord,
    truth_of,
    write_record,
)

STRENGTHS = (1.0, 10.0, 100.0)
Records = Sequence[LabelledRecord]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="labelled proteins in three lines a record")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUNS")
    options = parser.parse_args()
    records = read_labelled(options.data)
    folds = range(len(folds_of((record.partition for record in records), "nested")))
    dataset = DatasetIdentity(len(folds), len(records), dataset_digest(records))
    for method in (most_frequent, kmer_logistic):
        for fold in folds:
            parts = split(records, fold)
            begun = _now()
            start = time.perf_counter()
            probabilities, numbers, settings = method(*parts)
            cost = Cost(numbers, numbers, time.perf_counter() - start, 1, 0, None, 0, 0)
            folder = options.output / method.__name__ / f"fold{fold}"
            folder.mkdir(parents=True, exist_ok=True)
            write_predictions(parts[2], probabilities, folder / PREDICTIONS_FILE)
            record = RunRecord(
                name=f"{method.__name__}-fold{fold}",
                method=method.__name__,
                backbone="none",
                backbone_sha256="",
                fold=fold,
                seed=0,
                dataset=dataset,
                extra_sha256=None,
                splits=dict(zip(("train", "validation", "test"), map(len, parts), strict=True)),
                settings={"data": {"path": options.data.name}, **settings},
                versions={"peftsp": __version__, "scikit-learn": sklearn.__version__},
                commit=None,
                device="cpu",
                begun=begun,
                ended=_now(),
                metrics={"test/mcc": score(parts[2], probabilities)},
                cost=cost,
            )
            write_record(record, folder)
            print(record.name, record.metrics, settings, flush=True)


def most_frequent(
    train: Records, validation: Records, test: Records
) -> tuple[np.ndarray, int, dict[str, object]]:
    """Each type as often as it is in training; every protein gets the most frequent one."""
    del validation
    counts = Counter(record.sp_type for record in train)
    shares = np.array([counts[name] / len(train) for name in SP_TYPES])
    return np.tile(shares, (len(test), 1)), len(SP_TYPES), {}


def kmer_logistic(
    train: Records, validation: Records, test: Records
) -> tuple[np.ndarray, int, dict[str, object]]:
    """Logistic regression on counts of one, two and three residues."""
    words = CountVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False, dtype=np.float64)
    scale = MaxAbsScaler()
    inputs = scale.fit_transform(words.fit_transform(_texts(train)))
    of_validation, of_test = (
        scale.transform(words.transform(_texts(part))) for part in (validation, test)
    )
    found = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=1000)
        model.fit(inputs, [record.sp_type for record in train])
        found.append((score(validation, _in_order(model, of_validation)), strength, model))
    _, strength, model = max(found, key=lambda entry: entry[0])
    return _in_order(model, of_test), model.coef_.size + model.intercept_.size, {"C": strength}


def write_predictions(records: Records, probabilities: np.ndarray, path: Path) -> None:
    """The table of a run's test proteins, without cleavage sites and regions."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PREDICTION_COLUMNS)
        for record, row in zip(records, probabilities, strict=True):
            called = SP_TYPES[int(row.argmax())]
            writer.writerow(
                [*truth_of(record), called, "", *(f"{value:.6f}" for value in row), "", "", ""]
            )


def score(records: Records, probabilities: np.ndarray) -> float:
    """MCC of the six types."""
    called = [SP_TYPES[place] for place in probabilities.argmax(axis=1)]
    return float(matthews_corrcoef([record.sp_type for record in records], called))


def _texts(records: Records) -> list[str]:
    return [record.residues for record in records]


def _in_order(model: LogisticRegression, inputs: object) -> np.ndarray:
    found = np.zeros((inputs.shape[0], len(SP_TYPES)))
    found[:, [SP_TYPES.index(name) for name in model.classes_]] = model.predict_proba(inputs)
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
