"""How alike the residues of neighbouring signal peptide regions are, as a term of the loss.

The regions of a signal peptide differ in what they are made of: the n-region is polar and charged,
the h-region hydrophobic, the c-region polar and small. No border between them is annotated, so
SignalP 6.0 (Teufel et al., Nat. Biotechnol. 2022) punishes a model for neighbouring regions of
similar composition.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from peftsp.alphabet import STANDARD_RESIDUE_TOKENS
from peftsp.labels import C_REGION_STATES, H_REGION_STATES, N_REGION_STATES, SP_TYPES, STATES

_REGIONS = (N_REGION_STATES, H_REGION_STATES, C_REGION_STATES)
_IN_REGION = torch.tensor(
    [[state in region for region in _REGIONS] for state in range(len(STATES))]
)  # (C, 3)
_SP, _LIPO, _TAT = (SP_TYPES.index(name) for name in ("SP", "LIPO", "TAT"))

# A gradient grows as one over the probability of a region; below this it says nothing.
_LEAST_PROBABILITY = 1e-12


def region_similarity(
    marginals: Tensor,
    tokens: Tensor,
    mask: Tensor,
    sp_types: Tensor,
    *,
    residue_tokens: range = STANDARD_RESIDUE_TOKENS,
) -> tuple[Tensor, Tensor]:
    """Cosine similarity between the expected residue compositions of neighbouring regions.

    A region's composition is the expected count of each residue in it: the marginal probabilities
    of the region's states (of all SP types), summed over the positions with that residue. It is
    compared only where the true SP type has both regions: n with h for SP and LIPO, h with c for
    SP and TAT; elsewhere the similarity is 0. So it is where a region has no probability. Values
    and gradients are finite for all finite marginals. Computed in float32 at least.

    Args:
        marginals: float32, bfloat16 or float64, ``(B, L, C)``, probabilities of the states.
        tokens: int64, ``(B, L)``, ESM token ids without ``<cls>`` and ``<eos>``.
        mask: bool, ``(B, L)``, True at residues.
        sp_types: int64, ``(B,)``, true SP types.
        residue_tokens: The token ids that make up a composition; other residues do not count.

    Returns:
        Similarity of n and h, and of h and c; float, ``(B,)`` each, between 0 and 1.

    >>> marginals = torch.zeros(1, 4, 37)
    >>> marginals[0, [0, 1], 3] = 1.0  # SP_N
    >>> marginals[0, [2, 3], 4] = 1.0  # SP_H
    >>> tokens = torch.tensor([[20, 15, 4, 15]])  # M K L K
    >>> n_h, h_c = region_similarity(marginals, tokens, tokens > 0, torch.tensor([1]))
    >>> round(n_h.item(), 6), h_c.item()
    (0.5, 0.0)
    """
    with torch.autocast(marginals.device.type, enabled=False):
        counts = _expected_counts(marginals, tokens, mask, residue_tokens)
        total = counts.sum(1)  # (B, 3)
        is_present = total > _LEAST_PROBABILITY
        frequencies = counts / total.where(is_present, 1.0).unsqueeze(1)  # (B, residues, 3)
        n, h, c = frequencies.unbind(-1)
        has_n, has_h, has_c = is_present.unbind(-1)
        is_compared_n_h = has_n & has_h & ((sp_types == _SP) | (sp_types == _LIPO))
        is_compared_h_c = has_h & has_c & ((sp_types == _SP) | (sp_types == _TAT))
        n_h = functional.cosine_similarity(n, h, dim=1, eps=1e-8)
        h_c = functional.cosine_similarity(h, c, dim=1, eps=1e-8)
        return n_h.where(is_compared_n_h, 0.0), h_c.where(is_compared_h_c, 0.0)


def _expected_counts(
    marginals: Tensor, tokens: Tensor, mask: Tensor, residue_tokens: range
) -> Tensor:
    """Expected count of each residue in the regions n, h and c, ``(B, residues, 3)``."""
    dtype = torch.promote_types(marginals.dtype, torch.float32)
    device = marginals.device
    counted = torch.arange(residue_tokens.start, residue_tokens.stop, device=device)
    is_residue = (tokens.unsqueeze(1) == counted.unsqueeze(-1)) & mask.unsqueeze(1)
    probabilities = marginals.to(dtype).masked_fill(~mask.unsqueeze(-1), 0.0)
    return is_residue.to(dtype) @ (probabilities @ _IN_REGION.to(device, dtype))


class RegionRegularisation(nn.Module):
    """Loss term ``weight * (mean n_h + mean h_c)`` of the similarities of regions.

    The means are over the whole batch, sequences whose similarity is 0 for want of a region
    included (SignalP 6.0).

    Args:
        weight: Factor of the term in the loss.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, marginals: Tensor, tokens: Tensor, mask: Tensor, sp_types: Tensor) -> Tensor:
        """Give the loss term of a batch.

        Args:
            marginals: float, ``(B, L, C)``, probabilities of the states.
            tokens: int64, ``(B, L)``, ESM token ids without ``<cls>`` and ``<eos>``.
            mask: bool, ``(B, L)``, True at residues.
            sp_types: int64, ``(B,)``, true SP types.

        Returns:
            float scalar.
        """
        n_h, h_c = region_similarity(marginals, tokens, mask, sp_types)
        return self.weight * (n_h.mean() + h_c.mean())
