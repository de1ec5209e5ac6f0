"""The score by which checkpoints are compared."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from peftsp.labels import KINGDOM_LABELS
from peftsp.metrics.mcc import multiclass_mcc


@dataclass(frozen=True, slots=True)
class CheckpointScore:
    """How well types and cleavage sites are predicted, every kingdom counting the same.

    Attributes:
        detection_mcc_of: Kingdom to the MCC of its SP types (6 classes); kingdoms with sequences.
        cleavage_site_mcc_of: Kingdom to the MCC of its cleavage sites (a class for each position);
            kingdoms with signal peptides.
    """

    detection_mcc_of: dict[str, float]
    cleavage_site_mcc_of: dict[str, float]

    @property
    def detection_mcc(self) -> float:
        """Mean of the kingdoms' MCC of SP types, 0 without any kingdom."""
        return _mean(self.detection_mcc_of)

    @property
    def cleavage_site_mcc(self) -> float:
        """Mean of the kingdoms' MCC of cleavage sites, 0 without any kingdom."""
        return _mean(self.cleavage_site_mcc_of)

    @property
    def score(self) -> float:
        """The sum of both means."""
        return self.detection_mcc + self.cleavage_site_mcc


def _mean(of: dict[str, float]) -> float:
    return sum(of.values()) / len(of) if of else 0.0


def checkpoint_score(
    true_types: Tensor,
    predicted_types: Tensor,
    true_sites: Tensor,
    predicted_sites: Tensor,
    kingdoms: Tensor,
) -> CheckpointScore:
    """Score predictions by kingdom, as SignalP 6.0 and PEFT-SP select checkpoints.

    Cleavage sites are compared where there is a true one, and exactly: each position is a class of
    its own, and so is a missing prediction.

    Args:
        true_types: int64, ``(B,)``.
        predicted_types: int64, ``(B,)``.
        true_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        predicted_sites: int64, ``(B,)``, cleavage sites, -1 for none.
        kingdoms: int64, ``(B,)``, indices into `peftsp.labels.KINGDOM_LABELS`.

    >>> import torch
    >>> types, sites = torch.tensor([0, 1, 1]), torch.tensor([-1, 22, 25])
    >>> score = checkpoint_score(types, types, sites, sites, torch.tensor([0, 0, 0]))
    >>> score.detection_mcc, score.cleavage_site_mcc, score.score
    (1.0, 1.0, 2.0)
    """
    detection, cleavage_site = {}, {}
    for kingdom, name in enumerate(KINGDOM_LABELS):
        is_here = kingdoms == kingdom
        if is_here.any():
            detection[name] = multiclass_mcc(true_types[is_here], predicted_types[is_here])
        has_site = is_here & (true_sites != -1)
        if has_site.any():
            cleavage_site[name] = multiclass_mcc(true_sites[has_site], predicted_sites[has_site])
    return CheckpointScore(detection, cleavage_site)
