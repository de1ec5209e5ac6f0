"""The table of measures by kingdom and SP type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from peftsp.labels import KINGDOM_LABELS, NO_SP, SP_TYPES
from peftsp.metrics.cells import WINDOWS, CellCounter, Outcomes


@dataclass(frozen=True, slots=True)
class MetricRow:
    """How well one SP type is predicted in one kingdom.

    Attributes:
        kingdom: One of `peftsp.labels.KINGDOM_LABELS`.
        sp_type: One of `peftsp.labels.SP_TYPES` except NO_SP.
        n: Number of sequences of this kingdom and type.
        mcc1: MCC of the type against NO_SP alone.
        mcc2: MCC of the type against everything else in the kingdom.
        precision: Precision of the cleavage site for each of `WINDOWS`; NaN where none is
            predicted.
        recall: Recall of the cleavage site for each of `WINDOWS`.
    """

    kingdom: str
    sp_type: str
    n: int
    mcc1: float
    mcc2: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]


def metric_table(
    true_types: Tensor,
    predicted_types: Tensor,
    true_sites: Tensor,
    predicted_sites: Tensor,
    kingdoms: Tensor,
) -> list[MetricRow]:
    """Measure every SP type in every kingdom that has it.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        true_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        predicted_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        kingdoms: int64, ``(B,)``, indices into `peftsp.labels.KINGDOM_LABELS`.

    Returns:
        A row for each kingdom and SP type with at least one sequence, in the order of the labels.
    """
    size = len(kingdoms)
    outcomes = Outcomes(
        protein=np.arange(size),
        model=np.zeros(size, dtype=np.int64),
        kingdom=kingdoms.numpy(),
        true_type=true_types.numpy(),
        predicted_type=predicted_types.numpy(),
        true_site=true_sites.numpy(),
        predicted_site=predicted_sites.numpy(),
        proteins=size,
        models=1,
    )
    counts = CellCounter(outcomes)()
    n = counts.values[0].sum(axis=(-1, -2))
    mcc1, mcc2 = counts.mcc1()[0], counts.mcc2()[0]
    precision = np.stack([counts.precision(window)[0] for window in WINDOWS])
    recall = np.stack([counts.recall(window)[0] for window in WINDOWS])
    return [
        MetricRow(
            kingdom=KINGDOM_LABELS[k],
            sp_type=SP_TYPES[t],
            n=int(n[k, t]),
            mcc1=float(mcc1[k, t]),
            mcc2=float(mcc2[k, t]),
            precision=tuple(precision[:, k, t].tolist()),
            recall=tuple(recall[:, k, t].tolist()),
        )
        for k in range(len(KINGDOM_LABELS))
        for t in range(len(SP_TYPES))
        if t != NO_SP and n[k, t]
    ]
