"""What a sequence's labels cost a model, other than their plain likelihood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from peftsp.labels import SP_TYPES, TYPE_OF_STATE

_MEMBERS = functional.one_hot(torch.tensor(TYPE_OF_STATE), len(SP_TYPES))  # (C, K)

# A gradient grows as one over the probability of a type; below this it says nothing.
_LEAST_PROBABILITY = 1e-12


def focal_loss(log_likelihood: Tensor, focusing: float) -> Tensor:
    """Negative log-likelihood that counts less where a model is sure and right already.

    It is ``-(1 - p) ** focusing * log(p)`` with p the probability of the labels (Lin et al., Focal
    Loss for Dense Object Detection, ICCV 2017).

    Args:
        log_likelihood: float, ``(B,)``, of the labels; at most 0 up to rounding.
        focusing: 0 for the plain likelihood, or 1 and above.

    Returns:
        float, ``(B,)``.

    >>> focal_loss(torch.tensor([0.9, 0.5]).log(), 2.0)
    tensor([0.0011, 0.1733])
    """
    if not focusing:
        return -log_likelihood
    missed = -torch.expm1(log_likelihood.clamp(max=0.0))
    return -(missed**focusing) * log_likelihood


def type_cross_entropy(marginals: Tensor, mask: Tensor) -> Tensor:
    """Cross entropy of the SP types, all of them alike, with a model's.

    In a loss it is what label smoothing adds (Szegedy et al., Rethinking the Inception
    Architecture, CVPR 2016). A type's probability is that of its states, averaged over residues;
    types that the constraints forbid a sequence have no gradient. Computed in float32 at least.

    Args:
        marginals: float, ``(B, L, C)``, probabilities of the states, zero at padding.
        mask: bool, ``(B, L)``, True at residues.

    Returns:
        float, ``(B,)``, in nats.

    >>> marginals = torch.full((1, 1, 37), 1e-3)
    >>> marginals[..., 0] = 1.0 - 36e-3
    >>> type_cross_entropy(marginals, torch.ones(1, 1).bool())
    tensor([4.1698])
    """
    with torch.autocast(marginals.device.type, enabled=False):
        dtype = torch.promote_types(marginals.dtype, torch.float32)
        of_states = marginals.to(dtype).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        of_types = of_states @ _MEMBERS.to(of_states)
        return -of_types.clamp(min=_LEAST_PROBABILITY).log().mean(dim=-1)
