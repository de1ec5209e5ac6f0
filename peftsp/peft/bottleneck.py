"""A residual bottleneck, the part that adapters and prompt re-parameterisation share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """``z + LayerNorm(up(relu(down(z))))``.

    Args:
        width: Features of the input and the output.
        inner: Features in between.
        identity: Start with a norm of weight zero, so that the output is the input. Otherwise the
            start is as published, where the norm adds a vector of length ``sqrt(width)``.
    """

    def __init__(self, width: int, inner: int, identity: bool) -> None:
        super().__init__()
        self.down = nn.Linear(width, inner)
        self.up = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width)
        if identity:
            nn.init.zeros_(self.norm.weight)

    def forward(self, z: Tensor) -> Tensor:
        """Float ``(..., D)`` to float ``(..., D)``."""
        inner = self.down(z.to(self.down.weight.dtype))
        out: Tensor = z + self.norm(self.up(torch.relu(inner)))
        # A backbone that is held in half precision takes nothing else, unless autocasting, which
        # has given another dtype than that of the weights, sees to it.
        return out.to(z.dtype) if inner.dtype == self.down.weight.dtype else out


BOTTLENECK_PARAMETERS = tuple(
    f"{module}.{kind}" for module in ("down", "up", "norm") for kind in ("weight", "bias")
)
"""Names of a bottleneck's parameters."""
