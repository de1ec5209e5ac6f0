"""What a GPU would make of a forward pass, for a backbone on the meta device.

Autocasting and fused attention do not exist there; both decide what is kept for the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from peftsp.backbone.esm2 import ESM2, Block, Context
from peftsp.backbone.quantization import NF4Linear

_IN_HALF = {F.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__}
_IN_SINGLE = {F.layer_norm}


class GPUArithmetic(TorchFunctionMode):
    """Computes with the dtypes that autocasting on a GPU chooses, and fuses attention.

    Args:
        half: Dtype of products under autocasting; None without.
    """

    def __init__(self, half: torch.dtype | None) -> None:
        super().__init__()
        self.half = half

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is Tensor.__bool__:
            return False  # Whether nothing is padded: something always is.
        if func is F.scaled_dot_product_attention:
            inputs = (self._cast(x, self.half) for x in args[:3])
            return _FusedAttention.apply(*inputs)  # type: ignore[no-untyped-call]
        if func in _IN_HALF:
            args = [self._cast(x, self.half) for x in args]
        if func in _IN_SINGLE:
            args = [self._cast(x, self.half and torch.float32) for x in args]
        return func(*args, **(kwargs or {}))

    def _cast(self, x: Any, dtype: torch.dtype | None) -> Any:
        is_float = isinstance(x, Tensor) and x.is_floating_point()
        return x.to(dtype) if dtype and is_float else x


def compute_as_a_gpu(backbone: nn.Module, half: torch.dtype | None) -> None:
    """Let a module's forward pass run in `GPUArithmetic`, blocks that are recomputed too.

    Args:
        backbone: On the meta device; changed in place.
        half: See `GPUArithmetic`.
    """
    for module in backbone.modules():
        if isinstance(module, NF4Linear):
            module.forward = _nf4_product(module, half)  # type: ignore[method-assign,assignment]
        if isinstance(module, ESM2) and half:
            module.context = _casting(module.context, half)  # type: ignore[method-assign]
        if isinstance(module, Block):
            module.forward = _within(module.forward, half)  # type: ignore[method-assign]
    backbone.forward = _within(backbone.forward, half)


def _within(forward: Callable[..., Tensor], half: torch.dtype | None) -> Callable[..., Tensor]:
    def run(*inputs: Any) -> Tensor:
        with GPUArithmetic(half):
            return forward(*inputs)

    return run


def _casting(context: Callable[..., Context], half: torch.dtype) -> Callable[..., Context]:
    def run(x: Tensor, mask: Tensor) -> Context:
        found = context(x, mask)
        return found._replace(cosines=found.cosines.to(half), sines=found.sines.to(half))

    return run


def _nf4_product(layer: NF4Linear, half: torch.dtype | None) -> Callable[[Tensor], Tensor]:
    def run(x: Tensor) -> Tensor:
        sizes = layer.out_features, layer.in_features
        out: Tensor = _NF4Product.apply(x.to(half or x.dtype), sizes)  # type: ignore[no-untyped-call]
        return out

    return run


class _FusedAttention(torch.autograd.Function):
    """Keeps inputs, output and one number a row, as flash attention does (Dao et al., 2022)."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = torch.empty_like(query)
        log_sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, out, log_sums)
        return out

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        return tuple(torch.empty_like(tensor) for tensor in ctx.saved_tensors[:3])


class _NF4Product(torch.autograd.Function):
    """Keeps nothing, and for its time spreads the weight out in the dtype of the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sizes: tuple[int, int]) -> Tensor:
        ctx.sizes = sizes
        weight = x.new_empty(sizes)
        return torch.matmul(x, weight.T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        weight = gradients[0].new_empty(ctx.sizes)
        return torch.matmul(gradients[0], weight), None
