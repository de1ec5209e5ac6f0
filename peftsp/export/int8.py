"""Backbones whose products a graph computes in 8-bit integers.

Weights are rounded once, a scale for each output feature; activations at each call, a scale for
each row, so that no residue's rounding depends on the proteins beside it in the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_SMALLEST_SCALE = 1e-12
LEVELS = 127
"""Steps from zero to the largest number of a row."""

_library = torch.library.Library("peftsp_export", "DEF")  # type: ignore[no-untyped-call]
_library.define("int8_product(Tensor rows, Tensor weight) -> Tensor")  # type: ignore[no-untyped-call]


@torch.library.register_fake("peftsp_export::int8_product", lib=_library)  # type: ignore[untyped-decorator]
def _product_shape(rows: Tensor, weight: Tensor) -> Tensor:
    return rows.new_empty(*rows.shape[:-1], weight.shape[1])


class Int8Linear(nn.Module):
    """A linear layer for `torch.export` alone.

    Args:
        linear: What it computes but for rounding.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = weight.abs().amax(dim=1).clamp(min=_SMALLEST_SCALE) / LEVELS
        rounded = (weight / scales[:, None]).round().to(torch.int8)
        self.register_buffer("weight", rounded.T.contiguous())
        self.register_buffer("scales", scales / LEVELS)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Float32 ``(..., in)`` to float32 ``(..., out)``."""
        peaks = x.abs().amax(dim=-1, keepdim=True).clamp(min=_SMALLEST_SCALE)
        out: Tensor = torch.ops.peftsp_export.int8_product(x / peaks, self.weight)
        out = out * self.scales * peaks
        return out if self.bias is None else out + self.bias


def hold_in_int8(backbone: nn.Module) -> None:
    """Replace the linear layers of a backbone, in place."""
    for name, module in list(backbone.named_modules()):
        if isinstance(module, nn.Linear):
            backbone.set_submodule(name, Int8Linear(module))
