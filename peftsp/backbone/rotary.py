"""Rotary position embedding (Su et al., RoFormer, 2021) as ESM-2 applies it."""

from __future__ import annotations

import torch
from torch import Tensor

_BASE = 10_000.0


def inverse_frequencies(head_width: int) -> Tensor:
    """Angle by which each pair of features turns from one position to the next.

    Returns:
        float32, ``(head_width / 2,)``, radians; rounded to float32 as in the published weights.
    """
    return 1.0 / (_BASE ** (torch.arange(0, head_width, 2).float() / head_width))


def rotary_tables(
    positions: int, head_width: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles at each position.

    Returns:
        Two tensors of ``dtype``, ``(positions, head_width)``. Angles are computed in float64 for
        float64 and in float32 otherwise.
    """
    exact = torch.float64 if dtype == torch.float64 else torch.float32
    frequencies = inverse_frequencies(head_width).to(device=device, dtype=exact)
    angles = torch.outer(torch.arange(positions, device=device, dtype=exact), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(features: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn queries or keys by their positions.

    Args:
        features: float, ``(B, heads, T, head_width)``.
        cosines: float, ``(T, head_width)``.
        sines: float, ``(T, head_width)``.
    """
    first, second = features.chunk(2, dim=-1)
    return features * cosines + torch.cat((-second, first), dim=-1) * sines
