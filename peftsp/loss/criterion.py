"""What training minimises, put together from the likelihood of the labels and further terms."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from peftsp.errors import ConfigError
from peftsp.loss.label_loss import focal_loss, type_cross_entropy
from peftsp.loss.region_similarity import RegionRegularisation


class Criterion(nn.Module):
    """Loss of a batch, and its parts.

    A sequence's loss is ``(1 - smoothing) * focal_loss + smoothing * type_cross_entropy``; the
    batch's is the mean of it and the region regularisation.

    Args:
        focusing: Exponent of `focal_loss`: 0, or 1 and above.
        smoothing: Share of the label that all SP types get alike, of at least 0 and less than 1.
        regularisation: Weight of the region regularisation; 0 leaves it out.

    Raises:
        ConfigError: One is out of its range.
    """

    def __init__(self, focusing: float, smoothing: float, regularisation: float) -> None:
        super().__init__()
        _check("loss.focusing", focusing, "0, or 1 and above", lambda x: x == 0 or x >= 1)
        _check("loss.smoothing", smoothing, "0 <= share < 1", lambda x: 0 <= x < 1)
        _check("regularisation.weight", regularisation, "a number of 0 or more", lambda x: x >= 0)
        self.focusing = focusing
        self.smoothing = smoothing
        self.regularisation = RegionRegularisation(regularisation)

    def forward(
        self,
        log_likelihood: Tensor,
        marginals: Tensor,
        tokens: Tensor,
        mask: Tensor,
        sp_types: Tensor,
    ) -> dict[str, Tensor]:
        """Give the loss of a batch and its parts.

        Args:
            log_likelihood: float, ``(B,)``, of the labels.
            marginals: float, ``(B, L, C)``, probabilities of the states.
            tokens: int64, ``(B, L)``, ESM token ids without ``<cls>`` and ``<eos>``.
            mask: bool, ``(B, L)``, True at residues.
            sp_types: int64, ``(B,)``, true SP types.

        Returns:
            ``loss``, ``nll`` (nats a sequence) and ``regularisation``: float scalars.
        """
        nll = -log_likelihood.mean()
        loss = focal_loss(log_likelihood, self.focusing).mean()
        regularisation = torch.zeros_like(nll)
        # Where nothing is made of the marginals, the backward pass takes half the time.
        if self.smoothing:
            others = type_cross_entropy(marginals, mask).mean()
            loss = (1 - self.smoothing) * loss + self.smoothing * others
        if self.regularisation.weight:
            regularisation = self.regularisation(marginals, tokens, mask, sp_types)
        return {"loss": loss + regularisation, "nll": nll, "regularisation": regularisation}


def _check(name: str, value: object, expected: str, is_right: Callable[[float], bool]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_right(value):
        raise ConfigError(f"{name}: expected {expected}, found {value}")
