"""The predictions of the test partition, protein by protein."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from peftsp.durable import whole_file
from peftsp.labels import SP_TYPES
from peftsp.metrics.table import MetricRow
from peftsp.model.decode import Decoded
from peftsp.records import LabelledRecord
from peftsp.runs.record import PREDICTION_COLUMNS, truth_of
from peftsp.state_paths import path_regions

_REGIONS = ("n", "h", "c")
_NUMBERS = 3 + len(_REGIONS)


@dataclass(frozen=True)
class Tested:
    """What a test has found, of the proteins of all processes.

    Attributes:
        rows: Measures by kingdom and SP type.
        confusion: int64, ``(K, K)``, row true and column predicted SP type.
        predictions: As `KeptPredictions.compute` returns them.
    """

    rows: list[MetricRow]
    confusion: Tensor
    predictions: tuple[Tensor, Tensor]


class KeptPredictions(Metric):
    """Keeps what was predicted of each protein, and gathers it over processes.

    Args:
        **kwargs: Settings of `torchmetrics.Metric`.
    """

    full_state_update = False

    numbers: list[Tensor]
    probabilities: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("numbers", default=[], dist_reduce_fx="cat")
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")

    def update(self, indices: Tensor, decoded: Decoded) -> None:
        """Add a batch.

        Args:
            indices: int64, ``(B,)``; places of the proteins among the test records.
            decoded: What is predicted of them.
        """
        ends = [_region_ends(path) for path in decoded.paths.tolist()]
        columns = torch.stack([indices, decoded.sp_types, decoded.cleavage_sites], dim=1)
        self.numbers.append(torch.cat([columns, columns.new_tensor(ends)], dim=1))
        self.probabilities.append(decoded.probabilities.float())

    def compute(self) -> tuple[Tensor, Tensor]:
        """All predictions so far, in the order of the records; every process has to call this.

        Returns:
            int64, ``(N, 6)``: place of the record, type, site (-1 for none), last residue of the
            n-, h- and c-region (0 for none); and float, ``(N, K)``: probabilities.
        """
        numbers, probabilities = dim_zero_cat(self.numbers), dim_zero_cat(self.probabilities)
        order = numbers[:, 0].argsort()
        return numbers[order].cpu(), probabilities[order].cpu()

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the predictions of all processes, some of which may have made none."""
        if isinstance(self.numbers, list) and not self.numbers:
            empty = torch.empty(0, _NUMBERS, dtype=torch.long, device=self.device)
            self.numbers.append(empty)
            self.probabilities.append(torch.empty(0, len(SP_TYPES), device=self.device))
        super().sync(*args, **kwargs)


def write_predictions(
    numbers: Tensor, probabilities: Tensor, records: list[LabelledRecord], path: Path
) -> None:
    """Write a row for each protein; the file appears complete or not at all.

    Args:
        numbers: As `KeptPredictions.compute` returns them.
        probabilities: As `KeptPredictions.compute` returns them.
        records: The test records.
        path: The file, with the columns `peftsp.runs.record.PREDICTION_COLUMNS`.
    """
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PREDICTION_COLUMNS)
        for (index, *found), shares in zip(numbers.tolist(), probabilities.tolist(), strict=True):
            writer.writerow(prediction_row(records[index], found, shares))


def prediction_row(
    record: LabelledRecord, found: list[int], probabilities: list[float]
) -> list[str | int]:
    """Cells of `PREDICTION_COLUMNS`; ``found`` is a row of `KeptPredictions` less its place."""
    sp_type, *positions = found
    site, *ends = (position if position > 0 else "" for position in positions)
    return [
        *truth_of(record),
        *(SP_TYPES[sp_type], site, *(f"{probability:.6g}" for probability in probabilities)),
        *ends,
    ]


def _region_ends(path: list[int]) -> list[int]:
    ends = {region.name: region.end for region in path_regions(path)}
    return [ends.get(name, 0) for name in _REGIONS]
