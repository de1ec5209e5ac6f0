"""Learning the probabilities of data as they are from data that show some types more often."""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.labels import TYPE_OF_STATE


def favour_types(emissions: Tensor, log_odds: Tensor) -> Tensor:
    """Make SP types more probable, as they are in data that show them more often.

    Each path has one state of its type at the first residue, so what is added there is added to the
    scores of all paths of the type. A model that is trained so learns the probabilities without it
    (Menon et al., Long-tail learning via logit adjustment, ICLR 2021).

    Args:
        emissions: float, ``(B, L, C)``.
        log_odds: float, ``(B, K)``; what to add to the score of each type.

    Returns:
        As ``emissions``.
    """
    first = emissions[:, :1] + log_odds[:, None, list(TYPE_OF_STATE)]
    return torch.cat((first, emissions[:, 1:]), dim=1)
