"""Scaled dot-product attention, by whichever kernel is fastest."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def attention(query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None) -> Tensor:
    """Softmax of query times key, times value (Vaswani et al., NeurIPS 2017).

    In half precision PyTorch's fused kernel for CPUs is slower than the products it consists of,
    and its backward pass many times, so that those are taken there.

    Args:
        query: float, ``(B, heads, T, head_width)``.
        key: As ``query``.
        value: As ``query``.
        visible: bool, ``(B, 1, 1, T)``, True where a token may be attended to; None: everywhere.

    Returns:
        float, ``(B, heads, T, head_width)``.

    >>> x = torch.zeros(1, 1, 2, 4)
    >>> attention(x, x, torch.tensor([[0.0], [1.0]]).expand(1, 1, 2, 1), None).flatten().tolist()
    [0.5, 0.5]
    """
    is_half = query.dtype in (torch.bfloat16, torch.float16)
    if not (is_half and query.device.type == "cpu"):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if visible is not None:
        scores = scores.masked_fill(~visible, -torch.inf)
    mixed: Tensor = scores.softmax(dim=-1).to(value.dtype) @ value
    return mixed
