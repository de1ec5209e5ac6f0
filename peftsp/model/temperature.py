"""Less sure SP types (Guo et al., On Calibration of Modern Neural Networks, ICML 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.labels import TYPE_OF_STATE
from peftsp.model.decode import type_probabilities


def temper_types(marginals: Tensor, residue_mask: Tensor, temperature: float) -> Tensor:
    """Draw the probabilities of SP types towards each other, and leave all within a type alone.

    The logarithms of the types' probabilities are divided by the temperature. Which type is the
    most probable does not change, nor what is most probable within it.

    Args:
        marginals: float, ``(B, L, C)``, zero at padding.
        residue_mask: bool, ``(B, L)``, True at real residues.
        temperature: Above 1 for less sure types, 1 for no change.

    Returns:
        As ``marginals``; states of real residues sum to one.

    >>> marginals = torch.zeros(1, 1, 37)
    >>> marginals[..., 0], marginals[..., 3] = 0.9, 0.1
    >>> temper_types(marginals, torch.ones(1, 1).bool(), 2.0)[0, 0, [0, 3]]
    tensor([0.7500, 0.2500])
    """
    if temperature == 1:
        return marginals
    before = type_probabilities(marginals, residue_mask)
    smallest = torch.finfo(before.dtype).tiny
    after = (before.clamp(min=smallest).log() / temperature).softmax(dim=-1)
    # A type without any probability cannot be given some by a factor.
    after = after.masked_fill(before < smallest, 0.0)
    after = after / after.sum(dim=-1, keepdim=True)
    factors = after / before.clamp(min=smallest)
    state_types = torch.tensor(TYPE_OF_STATE, device=marginals.device)
    return marginals * factors[:, None, state_types]
