"""What a run was asked to do and what came of it: ``run.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from peftsp.data.identity import DatasetIdentity
from peftsp.data.regions import cleavage_site
from peftsp.durable import whole_file
from peftsp.errors import RunError
from peftsp.files import read_json
from peftsp.labels import SP_TYPES
from peftsp.model.checks import check_types
from peftsp.records import LabelledRecord

RUN_FILE = "run.json"
PREDICTIONS_FILE = "test_predictions.csv"
LOGS = "logs"

FORMAT = "peftsp-run"
VERSION = 2

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


def truth_of(record: LabelledRecord) -> list[str | int]:
    """The cells of `PREDICTION_COLUMNS` that a labelled record has, the first six."""
    membrane = record.annotation.find("M") + 1
    return [
        *(record.accession, record.partition, record.kingdom),
        *(record.sp_type, cleavage_site(record) or "", membrane or ""),
    ]


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
    """What a run was, and once it has ended what it reached and cost.

    Attributes:
        name: Of the run.
        method: Name of the PEFT method.
        backbone: Name of the backbone's size.
        backbone_sha256: Content hash of its weights.
        fold: 0-based.
        seed: Of the run.
        dataset: What it was trained and tested on.
        extra_sha256: Of the further records that train, as of the data set; None without.
        start_sha256: Content hash of the trained model that it began from; None without.
        checkpoint_sha256: Of the file with another run's resume point that it began from, see
            ``ckpt_path``; None without.
        start_has_seen: How many test proteins have trained or chosen that model.
        splits: How many proteins train, validate and test.
        settings: All of them, resolved, as nested groups; see `peftsp.runs.credentials`.
        versions: Of peftsp and torch.
        commit: Of the checkout that peftsp was run from, ``-dirty`` where it had changes; None for
            an installed package.
        device: What it was trained on.
        begun: When it first began, ISO 8601.
        ended: When it ended; None while it has not.
        metrics: Test metrics and the best validation score by name; None before the end.
        cost: What it took; None before the end.
    """

    name: str
    method: str
    backbone: str
    backbone_sha256: str
    fold: int
    seed: int
    dataset: DatasetIdentity
    extra_sha256: str | None
    splits: dict[str, int]
    settings: dict[str, Any]
    versions: dict[str, str]
    commit: str | None
    device: str
    begun: str
    ended: str | None = None
    metrics: dict[str, float] | None = None
    cost: Cost | None = None
    start_sha256: str | None = None
    checkpoint_sha256: str | None = None
    start_has_seen: int = 0


def write_record(record: RunRecord, folder: Path) -> None:
    """Write ``run.json``; it is on the disk when this returns, or is as it was before."""
    content = {"format": FORMAT, "version": VERSION, **asdict(record)}
    with whole_file(folder / RUN_FILE) as partial:
        partial.write_text(
            json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
        )


def read_record(folder: Path) -> RunRecord:
    """Read the record of a run, which may not have ended.

    Raises:
        RunError: It is missing or broken.
    """
    path = folder / RUN_FILE
    content = read_json(path, RunError)
    kind = content.get("format"), content.get("version")
    if kind != (FORMAT, VERSION):
        raise RunError(f"{path}: expected {FORMAT} of version {VERSION}, found {kind}")
    values = {name: value for name, value in content.items() if name not in ("format", "version")}
    try:
        dataset, cost = DatasetIdentity(**values.pop("dataset")), values.pop("cost")
        cost = None if cost is None else Cost(**cost)
        record = RunRecord(dataset=dataset, cost=cost, **values)
    except (TypeError, KeyError) as error:
        expected = ", ".join(field.name for field in fields(RunRecord))
        raise RunError(f"{path}: expected the keys {expected}, found: {error}") from error
    for part in filter(None, (dataset, cost, record)):
        check_types(part, str(path), RunError)
    return record
