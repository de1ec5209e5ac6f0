"""The low-rank product of LoRA, with a backward pass that keeps little."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from peftsp.backbone.dropout import draw_kept


def add_low_rank(
    out: Tensor,
    x: Tensor,
    first: Tensor,
    second: Tensor,
    scale: float,
    dropout: float = 0.0,
) -> Tensor:
    """Add ``scale · dropout(x) · firstᵀ · secondᵀ`` to a tensor, in its dtype.

    For the backward pass it keeps the input, which several updates share, and a byte for each
    feature where features are dropped.

    Args:
        out: float, ``(..., out)``.
        x: float, ``(..., in)``.
        first: float, ``(rank, in)``.
        second: float, ``(out, rank)``.
        scale: Factor of what is added.
        dropout: Probability of a feature of ``x`` to be dropped; see
            `peftsp.backbone.dropout.dropout`.

    Returns:
        As ``out``.
    """
    added: Tensor = _AddLowRank.apply(  # type: ignore[no-untyped-call]
        out, x.to(out.dtype), first.to(out.dtype), second.to(out.dtype), scale, dropout
    )
    return added


class _AddLowRank(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        out: Tensor,
        x: Tensor,
        first: Tensor,
        second: Tensor,
        scale: float,
        dropout: float,
    ) -> Tensor:
        rows = x.flatten(0, -2)
        is_kept = draw_kept(rows, dropout) if dropout else None
        scale = scale / (1 - dropout)
        low = (_dropped(rows, is_kept) @ first.T).mul_(scale)
        ctx.scale = scale
        ctx.save_for_backward(x, is_kept, low, first, second)
        return torch.addmm(out.flatten(0, -2), low, second.T).view_as(out)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, is_kept, low, first, second = ctx.saved_tensors
        gradient = gradients[0].flatten(0, -2)
        of_low = (gradient @ second).mul_(ctx.scale)
        of_first = of_low.T @ _dropped(x.flatten(0, -2), is_kept)
        # Many times faster than with the long side first.
        of_second = (low.T @ gradient).T
        of_x = None
        if ctx.needs_input_grad[1]:
            of_x = of_low @ first
            if is_kept is not None:
                of_x *= is_kept
            of_x = of_x.view_as(x)
        return gradients[0], of_x, of_first, of_second, None, None


def _dropped(rows: Tensor, is_kept: Tensor | None) -> Tensor:
    return rows if is_kept is None else rows * is_kept
