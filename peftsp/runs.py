"""What a finished training run leaves to be read: file names, columns, and its record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peftsp.labels import SP_TYPES

RUN_FILE = "run.json"
PREDICTIONS_FILE = "test_predictions.csv"
LOGS = "logs"

FORMAT = "peftsp-run"
VERSION = 1

PREDICTION_COLUMNS = (
    *("accession", "partition", "kingdom"),
    *("sp_type", "cleavage_site", "membrane_start"),
    *("predicted_type", "predicted_site", *SP_TYPES),
    *("n_region_end", "h_region_end", "c_region_end"),
)
"""Columns of `PREDICTIONS_FILE`, a row for each protein of the test partition.

``sp_type``, ``cleavage_site`` and ``membrane_start`` (1-based position of the first membrane
residue) are what the data set says; the columns after them are predicted: type, site, probability
of each type, 1-based position of each region's last residue. What there is none of stays empty.
"""


@dataclass(frozen=True, slots=True)
class DatasetIdentity:
    """What a data set is, wherever it came from.

    Attributes:
        folds: How many it has.
        records: How many it has.
        sha256: Of what the records say; see `peftsp.data.identity.dataset_digest`.
    """

    folds: int
    records: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost.

    Attributes:
        trained_parameters: How many numbers training may change.
        all_parameters: How many numbers the model has.
        fit_seconds: Wall time of fitting with its validations, over all starts of the run.
        processes: How many trained together.
        peak_memory: Bytes of main memory, of the process that needed most; see
            `peftsp.training.cost.CostMeter`.
        peak_gpu_memory: Bytes of tensors on the GPU that needed most; None without one.
        checkpoint_size: Bytes of the checkpoint that was tested, with its optimizer.
        bundle_size: Bytes of the bundle.
    """

    trained_parameters: int
    all_parameters: int
    fit_seconds: float
    processes: int
    peak_memory: int
    peak_gpu_memory: int | None
    checkpoint_size: int
    bundle_size: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run was and what it cost.

    Attributes:
        name: Of the run.
        method: Name of the PEFT method.
        backbone: Name of the backbone's size.
        fold: 0-based.
        seed: Of the run.
        dataset: What it was trained and tested on.
        cost: What it took.
        settings: All of them, resolved, as nested groups.
    """

    name: str
    method: str
    backbone: str
    fold: int
    seed: int
    dataset: DatasetIdentity
    cost: Cost
    settings: dict[str, Any]


def write_record(record: RunRecord, folder: Path) -> None:
    """Write ``run.json``; the file appears complete or not at all."""
    content = {"format": FORMAT, "version": VERSION, **asdict(record)}
    partial = folder / f".{RUN_FILE}.partial"
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / RUN_FILE)
