"""Changes to training sequences that leave their labels as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.alphabet import CLS_TOKEN, EOS_TOKEN, MASK_TOKEN


def hide_residues(tokens: Tensor, mask: Tensor, probability: float) -> Tensor:
    """Put ``<mask>`` in place of random residues, as ESM-2 saw them in pretraining.

    >>> hide_residues(torch.tensor([[0, 5, 6, 2]]), torch.ones(1, 4).bool(), 1.0)
    tensor([[ 0, 32, 32,  2]])

    Args:
        tokens: int64, ``(B, T)``.
        mask: bool, ``(B, T)``, True at real tokens.
        probability: With which each residue is hidden; the global generator decides.

    Returns:
        int64, ``(B, T)``.
    """
    if not probability:
        return tokens
    is_residue = mask & (tokens != CLS_TOKEN) & (tokens != EOS_TOKEN)
    is_hidden = torch.rand(tokens.shape, device=tokens.device) < probability
    return tokens.masked_fill(is_residue & is_hidden, MASK_TOKEN)
