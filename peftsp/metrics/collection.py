"""The metrics of a whole evaluation, gathered batch by batch and over processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from peftsp.labels import SP_TYPES
from peftsp.metrics.score import checkpoint_score
from peftsp.metrics.table import MetricRow, metric_table

_COLUMNS = 5


class SignalPeptideMetrics(Metric):
    """Keeps true and predicted SP types and cleavage sites, and measures them at the end.

    Sequences are kept, not averaged over batches, since no measure of the whole is a mean of its
    parts. In a distributed run `compute`, `table` and `confusion` gather the sequences of all
    processes, so every process has to call them.

    Args:
        **kwargs: Settings of `torchmetrics.Metric`.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    samples: list[Tensor] | Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("samples", default=[], dist_reduce_fx="cat")

    def update(
        self,
        true_types: Tensor,
        predicted_types: Tensor,
        true_sites: Tensor,
        predicted_sites: Tensor,
        kingdoms: Tensor,
    ) -> None:
        """Add a batch, which may be empty.

        Args:
            true_types: int64, ``(B,)``.
            predicted_types: int64, ``(B,)``.
            true_sites: int64, ``(B,)``, cleavage sites, -1 for none.
            predicted_sites: int64, ``(B,)``, cleavage sites, -1 for none.
            kingdoms: int64, ``(B,)``, indices into `peftsp.labels.KINGDOM_LABELS`.
        """
        columns = (true_types, predicted_types, true_sites, predicted_sites, kingdoms)
        self.samples.append(torch.stack(columns, dim=1))  # type: ignore[union-attr]  # (B, 5)

    def compute(self) -> dict[str, Tensor]:
        """Measure all sequences so far.

        Returns:
            Float scalars: ``detection_mcc``, ``cleavage_site_mcc`` and their sum ``score`` (see
            `peftsp.metrics.score.CheckpointScore`); ``mcc2/<kingdom>/<SP type>`` for each pair that
            occurs, and their mean ``mean_mcc2``, NaN if none occurs.
        """
        columns = self._columns()
        score = checkpoint_score(*columns)
        mcc2 = {f"mcc2/{row.kingdom}/{row.sp_type}": row.mcc2 for row in metric_table(*columns)}
        values = {
            "detection_mcc": score.detection_mcc,
            "cleavage_site_mcc": score.cleavage_site_mcc,
            "score": score.score,
            "mean_mcc2": sum(mcc2.values()) / len(mcc2) if mcc2 else float("nan"),
            **mcc2,
        }
        return {name: torch.tensor(value, device=self.device) for name, value in values.items()}

    def table(self) -> list[MetricRow]:
        """Measure all sequences so far, by kingdom and SP type."""
        with self.sync_context():
            return metric_table(*self._columns())

    def confusion(self) -> Tensor:
        """Count all sequences so far: int64, ``(K, K)``, row true and column predicted SP type."""
        n_types = len(SP_TYPES)
        with self.sync_context():
            true_types, predicted_types, *_ = self._columns()
        pairs = true_types * n_types + predicted_types
        return torch.bincount(pairs, minlength=n_types**2).reshape(n_types, n_types)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the sequences of all processes, some of which may have seen none."""
        if isinstance(self.samples, list) and not self.samples:
            # torchmetrics sends a float placeholder otherwise, which does not fit the others' rows.
            self.samples.append(torch.empty(0, _COLUMNS, dtype=torch.long, device=self.device))
        super().sync(*args, **kwargs)

    def _columns(self) -> tuple[Tensor, ...]:
        """The arguments of `update` for all sequences so far, in CPU memory."""
        samples = self.samples
        if isinstance(samples, list) and not samples:
            samples = torch.empty(0, _COLUMNS, dtype=torch.long)
        return dim_zero_cat(samples).cpu().unbind(1)
