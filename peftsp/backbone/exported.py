"""Attention in a graph that is exported: one node, which `peftsp.export` writes out."""

from __future__ import annotations

import torch
from torch import Tensor

_library = torch.library.Library("peftsp_backbone", "DEF")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "rotary_attention(Tensor query, Tensor key, Tensor value, Tensor bias, Tensor positions, "
    "Tensor cosines, Tensor sines, int heads) -> Tensor"
)


@torch.library.register_fake("peftsp_backbone::rotary_attention", lib=_library)  # type: ignore[untyped-decorator]
def _shape(query: Tensor, *_: Tensor | int) -> Tensor:
    return torch.empty_like(query)


def rotary_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cosines: Tensor,
    sines: Tensor,
    visible: Tensor,
    heads: int,
) -> Tensor:
    """Queries and keys turned by their positions, then attention.

    Args:
        query: float, ``(B, T, D)``.
        key: As ``query``.
        value: As ``query``.
        cosines: float, ``(T, head_width)``; see `peftsp.backbone.rotary.rotary_tables`.
        sines: As ``cosines``.
        visible: bool, ``(B, 1, 1, T)``, True where a token may be attended to.
        heads: Of the attention.

    Returns:
        float, ``(B, T, D)``.
    """
    batch, tokens, _ = query.shape
    half = cosines.shape[1] // 2
    bias = torch.where(visible, 0.0, torch.finfo(query.dtype).min).expand(-1, -1, tokens, -1)
    mixed: Tensor = torch.ops.peftsp_backbone.rotary_attention(
        *(query, key, value, bias, torch.arange(tokens).expand(batch, -1)),
        *(cosines[:, :half], sines[:, half:], heads),
    )
    return mixed
