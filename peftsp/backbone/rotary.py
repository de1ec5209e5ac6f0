"""Rotary position embedding (Su et al., RoFormer, 2021) as ESM-2 applies it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from peftsp.backbone.tensor_files import check_plain

_BASE = 10_000.0
_MOST_FREQUENCIES = 2**15


class AttentionShape(NamedTuple):
    """What the weights' names and shapes do not show.

    Attributes:
        head_width: Features of an attention head, None where a file does not say.
        half_rotary: See `peftsp.backbone.specs.BackboneSpec`; None where a file does not say.
    """

    head_width: int | None
    half_rotary: bool | None

    @classmethod
    def of(cls, frequencies: Tensor | None) -> AttentionShape:
        """What a file's rotary frequencies tell."""
        if frequencies is None:
            return cls(None, None)
        check_plain({"rotary frequencies": frequencies}, "weights")
        return cls(2 * frequencies.numel(), is_half(frequencies))


def inverse_frequencies(head_width: int, half: bool = False) -> Tensor:
    """Angle by which each pair of features turns from one position to the next.

    Args:
        head_width: Features of an attention head.
        half: Round to half precision; see `peftsp.backbone.specs.BackboneSpec`.

    Returns:
        float32, ``(head_width / 2,)``, radians.
    """
    exact = 1.0 / (_BASE ** (torch.arange(0, head_width, 2).float() / head_width))
    return exact.half().float() if half else exact


def is_half(frequencies: Tensor) -> bool | None:
    """Whether rotary frequencies are rounded to half precision; None if they are none of ESM-2.

    >>> is_half(inverse_frequencies(16, half=True)), is_half(2 * inverse_frequencies(16))
    (True, None)
    """
    if frequencies.dim() != 1 or not 0 < len(frequencies) <= _MOST_FREQUENCIES:
        return None
    for half in (False, True):
        ours = inverse_frequencies(2 * frequencies.numel(), half)
        if torch.allclose(frequencies.float(), ours, rtol=1e-6, atol=0):
            return half
    return None


def rotary_tables(
    positions: int, frequencies: Tensor, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles at each position.

    Args:
        positions: How many, counted from 0.
        frequencies: See `inverse_frequencies`.
        device: Where to put the tables.
        dtype: Of the tables.

    Returns:
        Two tensors of ``dtype``, ``(positions, head_width)``; the first half of the sines has its
        sign changed, as `rotate` takes them. Angles are computed in float64 for float64 and in
        float32 otherwise.
    """
    exact = torch.float64 if dtype == torch.float64 else torch.float32
    frequencies = frequencies.to(device=device, dtype=exact)
    angles = torch.outer(torch.arange(positions, device=device, dtype=exact), frequencies)
    cosines, sines = angles.cos(), angles.sin()
    return torch.cat((cosines, cosines), -1).to(dtype), torch.cat((-sines, sines), -1).to(dtype)


def rotate(features: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn queries or keys by their positions.

    Args:
        features: float, ``(B, heads, T, head_width)``.
        cosines: float, ``(T, head_width)``; see `rotary_tables`.
        sines: float, ``(T, head_width)``.
    """
    first, second = features.chunk(2, dim=-1)
    return torch.addcmul(features * cosines, torch.cat((second, first), dim=-1), sines)
