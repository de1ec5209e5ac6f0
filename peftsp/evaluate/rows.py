"""Predictions of labelled proteins as the rows of a run, which reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from peftsp.data.batch import collate_labelled
from peftsp.data.dataset import LabelledDataset
from peftsp.data.identity import DatasetIdentity
from peftsp.evaluate.contenders import Call
from peftsp.inference.compute.device import find_device, fitting_batch_size
from peftsp.inference.compute.ensemble import find_results
from peftsp.inference.compute.options import Options
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.model.decode import Decoded
from peftsp.model.restore import load_taggers
from peftsp.records import LabelledRecord
from peftsp.runs.record import PREDICTION_COLUMNS, RunRecord, truth_of
from peftsp.runs.results import Run, with_proteins
from peftsp.training.predictions import KeptPredictions, prediction_row

Rows = Mapping[int, Sequence[str | int | float]]
"""Cells of `PREDICTION_COLUMNS` by the place of the record."""


@dataclass(frozen=True, slots=True)
class Predicting:
    """How models predict.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        precision: ``fp32`` or ``bf16``.
        tells_kingdom: Whether models that can use it are told each protein's kingdom.
        allow_code: Packages whose code may be imported for a bundle's method.
        sums_types: Whether a protein has a signal peptide where all types together say so.
        has_progress: Show progress bars if standard error is a terminal.
    """

    device: str
    backbone: str | None
    precision: str
    tells_kingdom: bool
    has_progress: bool
    allow_code: tuple[str, ...] = ()
    sums_types: bool = False


def predict_rows(
    bundles: Sequence[Path],
    records: Sequence[LabelledRecord],
    places: Sequence[int],
    how: Predicting,
) -> Rows:
    """What models say of some of the records, as the test of a run does it.

    Args:
        bundles: Averaged if several.
        records: The data set.
        places: Of the records to predict.
        how: How.
    """
    asked = [records[place] for place in places]
    numbers, probabilities = _predict(bundles, asked, how)
    rows: dict[int, list[str | int]] = {}
    for (index, *cells), shares in zip(numbers.tolist(), probabilities.tolist(), strict=True):
        rows[places[index]] = prediction_row(asked[index], cells, shares)
    return rows


def predict_types(bundle: Path, records: Sequence[LabelledRecord], how: Predicting) -> Tensor:
    """What a model says of each SP type.

    Returns:
        float32, ``(N, K)``; probabilities in the order of the records.
    """
    return _predict([bundle], records, how)[1]


def _predict(
    bundles: Sequence[Path], records: Sequence[LabelledRecord], how: Predicting
) -> tuple[Tensor, Tensor]:
    """As `KeptPredictions.compute` returns them."""
    device = find_device(how.device)
    taggers = load_taggers(list(bundles), device, how.backbone, how.allow_code)
    for tagger in taggers:
        tagger.eval()
    size = fitting_batch_size(device.type, max(tagger.backbone.spec.width for tagger in taggers))
    loader = DataLoader(LabelledDataset(records), size, collate_fn=collate_labelled)
    kept = KeptPredictions()
    options = Options(precision=how.precision, sums_types=how.sums_types)
    names = " + ".join(bundle.name for bundle in bundles)
    for batch in tqdm(loader, names, disable=None if how.has_progress else True):
        if not how.tells_kingdom:
            batch = replace(batch, kingdoms=torch.full_like(batch.kingdoms, -1))
        found = find_results(batch.to(device), taggers, options)
        kept.update(batch.indices, Decoded(*map(torch.from_numpy, found[:5])))
    return kept.compute()


def call_row(record: LabelledRecord, call: Call) -> list[str | int | float]:
    """The row of another program's call."""
    return [*truth_of(record), call.sp_type, call.site or "", *call.probabilities, "", "", ""]


def run_of(
    label: str,
    fold: int,
    seed: int,
    rows: Rows,
    dataset: DatasetIdentity,
    settings: dict[str, object],
) -> Run:
    """Predictions as a run that a report can be made of.

    Args:
        label: Of the method.
        fold: In which the proteins are tested.
        seed: Tells models of one method and fold apart.
        rows: What is predicted.
        dataset: What the data set is.
        settings: Of the data.
    """
    cells = [[None if cell == "" else cell for cell in rows[place]] for place in sorted(rows)]
    table = pd.DataFrame(cells, columns=list(PREDICTION_COLUMNS))
    ends = [name for name in PREDICTION_COLUMNS if name.endswith(("site", "start", "end"))]
    numbers = [*ends, *SP_TYPES]
    table[numbers] = table[numbers].astype(float)
    record = RunRecord(
        name=f"{label}-fold{fold}-seed{seed}",
        method=label,
        backbone="",
        backbone_sha256="",
        fold=fold,
        seed=seed,
        dataset=dataset,
        extra_sha256=None,
        splits={"test": len(rows)},
        settings={"data": settings},
        versions={},
        commit=None,
        device="",
        begun="",
    )
    return Run(Path(record.name), record, with_proteins(table), pd.DataFrame())


def collapsed(run: Run) -> Run:
    """The same with every signal peptide as SP, for data that know no more.

    One is called where all types together are more probable than none, whoever predicts. Where a
    signal peptide's site is not known either, no site counts.
    """
    rows = run.predictions.copy()
    none = SP_TYPES[NO_SP]
    is_signal, is_called = rows["sp_type"] != none, rows[none] < 1 - rows[none]
    for column, has_one in (("sp_type", is_signal), ("predicted_type", is_called)):
        rows[column] = has_one.map({True: "SP", False: none})
    rows.loc[~is_called, "predicted_site"] = float("nan")
    is_unknown = is_signal & rows["cleavage_site"].isna()
    if is_unknown.any():
        rows.loc[is_unknown | ~is_signal, "predicted_site"] = float("nan")
    rows["SP"] = 1 - rows[none]
    rows[list(SP_TYPES[2:])] = 0.0
    return Run(run.folder, run.record, rows, run.curves)
