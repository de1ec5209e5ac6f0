"""Measures of predicted n-, h- and c-regions: how long they are and how alike.

No region is annotated, so these describe predictions and do not say how right they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from peftsp.alphabet import STANDARD_RESIDUE_TOKENS
from peftsp.labels import C_REGION_STATES, H_REGION_STATES, N_REGION_STATES, SP_TYPES

_REGIONS = (N_REGION_STATES, H_REGION_STATES, C_REGION_STATES)
_SP, _LIPO, _TAT, _TATLIPO = (SP_TYPES.index(name) for name in ("SP", "LIPO", "TAT", "TATLIPO"))


def region_lengths(paths: Tensor) -> Tensor:
    """Count the residues in the n-, h- and c-region of each path.

    Args:
        paths: int64, ``(B, L)``, states, -1 at padding.

    Returns:
        int64, ``(B, 3)``, residues in n, h and c.

    >>> region_lengths(torch.tensor([[3, 4, 4, 5, 8, -1]]))
    tensor([[1, 2, 1]])
    """
    return _in_region(paths).sum(1)


def _in_region(paths: Tensor) -> Tensor:
    """Whether each residue is in n, h and c: bool, ``(B, L, 3)``."""
    regions = [torch.tensor(states, device=paths.device) for states in _REGIONS]
    return torch.stack([torch.isin(paths, states) for states in regions], dim=-1)


def path_region_similarity(
    paths: Tensor,
    tokens: Tensor,
    sp_types: Tensor,
    *,
    residue_tokens: range = STANDARD_RESIDUE_TOKENS,
) -> tuple[Tensor, Tensor]:
    """Cosine similarity between the residue compositions of neighbouring regions of paths.

    The first residue, methionine in nearly every protein, is left out. The similarity is 0 where
    one of the regions is empty.

    Args:
        paths: int64, ``(B, L)``, states, -1 at padding.
        tokens: int64, ``(B, L)``, ESM token ids without ``<cls>`` and ``<eos>``.
        sp_types: int64, ``(B,)``, true SP types.
        residue_tokens: The token ids that make up a composition; other residues do not count.

    Returns:
        Similarity of n and h, NaN unless the type is SP or LIPO; and of h and c, NaN unless it is
        SP or TAT. float64, ``(B,)`` each.

    >>> paths = torch.tensor([[3, 3, 4, 4, 5]])
    >>> tokens = torch.tensor([[20, 15, 15, 4, 4]])  # M K K L L
    >>> n_h, h_c = path_region_similarity(paths, tokens, torch.tensor([1]))
    >>> round(n_h.item(), 6), round(h_c.item(), 6)
    (0.707107, 0.707107)
    """
    in_region = _in_region(paths[:, 1:]).double()
    counted = torch.arange(residue_tokens.start, residue_tokens.stop, device=tokens.device)
    is_residue = (tokens[:, None, 1:] == counted[:, None]).double()  # (B, residues, L - 1)
    n, h, c = (is_residue @ in_region).unbind(-1)
    n_h = functional.cosine_similarity(n, h, dim=1)
    h_c = functional.cosine_similarity(h, c, dim=1)
    return (
        n_h.where((sp_types == _SP) | (sp_types == _LIPO), torch.nan),
        h_c.where((sp_types == _SP) | (sp_types == _TAT), torch.nan),
    )


@dataclass(frozen=True, slots=True)
class RegionRow:
    """Predicted regions of the sequences of one true SP type.

    Attributes:
        sp_type: One of SP, LIPO, TAT, TATLIPO.
        n: Number of sequences.
        lengths: Mean number of residues in n, h and c.
        fractions: Mean of that number divided by the number of residues before the true cleavage
            site, over the sequences that have one.
        n_h: Mean similarity of n and h; NaN for a type without one of them.
        h_c: Mean similarity of h and c; NaN for a type without one of them.
    """

    sp_type: str
    n: int
    lengths: tuple[float, ...]
    fractions: tuple[float, ...]
    n_h: float
    h_c: float


def region_table(
    paths: Tensor,
    tokens: Tensor,
    sp_types: Tensor,
    sites: Tensor,
    *,
    residue_tokens: range = STANDARD_RESIDUE_TOKENS,
) -> list[RegionRow]:
    """Average the predicted regions over the sequences of each true SP type.

    Args:
        paths: int64, ``(B, L)``, predicted states, -1 at padding.
        tokens: int64, ``(B, L)``, ESM token ids without ``<cls>`` and ``<eos>``.
        sp_types: int64, ``(B,)``, true SP types.
        sites: int64, ``(B,)``, true cleavage sites, -1 for none.
        residue_tokens: See `path_region_similarity`.

    Returns:
        A row for each of SP, LIPO, TAT and TATLIPO that occurs.
    """
    lengths = region_lengths(paths).double()
    fractions = lengths / sites.where(sites > 0, torch.nan).unsqueeze(1)
    similarities = path_region_similarity(paths, tokens, sp_types, residue_tokens=residue_tokens)
    rows = []
    for sp_type in (_SP, _LIPO, _TAT, _TATLIPO):
        is_type = sp_types == sp_type
        if not is_type.any():
            continue
        rows.append(
            RegionRow(
                SP_TYPES[sp_type],
                int(is_type.sum()),
                tuple(lengths[is_type].mean(0).tolist()),
                tuple(fractions[is_type].nanmean(0).tolist()),
                *(similarity[is_type].mean().item() for similarity in similarities),
            )
        )
    return rows
