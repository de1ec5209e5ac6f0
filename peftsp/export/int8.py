"""Backbones whose products a graph computes in 8-bit integers.

Weights have 7 bits and a scale for each output feature, the inputs of a layer one scale for all of
them, which is found once, on proteins that the model predicts for it: no residue's rounding depends
on the proteins beside it in the batch. A few features are many times as large as the others, which
would leave these few steps; as in SmoothQuant (Xiao et al., ICML 2023) the layer norm before a
layer divides them and the layer's weights make up for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.tagger import Tagger
from peftsp.records import SequenceRecord

_SMALLEST = 1e-12
_INPUT_STEPS = 255
_WEIGHT_STEPS = 63
"""With 127 the sum of two products would leave the 16 bits that processors without VNNI give it."""
_ONNX_INT8 = 3
_CALIBRATION_BATCH = 16
_NORMED = {
    "self_attn_layer_norm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "final_layer_norm": ("fc1",),
}
"""Layer norms of a block, and all that takes what they give."""


@dataclass
class Range:
    """Of the features that a layer is given.

    Attributes:
        low: Least number of each feature, at most 0; float, ``(in,)``.
        high: Greatest, at least 0, as ``low``.
    """

    low: Tensor
    high: Tensor

    def widen(self, x: Tensor) -> None:
        """Take in more: float, ``(..., in)``."""
        rows = x.detach().reshape(-1, x.shape[-1])
        self.low = torch.minimum(self.low, rows.amin(dim=0))
        self.high = torch.maximum(self.high, rows.amax(dim=0))

    def divided(self, sizes: Tensor) -> Range:
        """What it is once the features have been divided by sizes, float, ``(in,)``."""
        return Range(self.low / sizes, self.high / sizes)


class Int8Linear(nn.Module):
    """A linear layer for `torch.export` alone.

    Args:
        linear: What it computes but for rounding.
        given: What it will be given.
        sizes: What its inputs have been divided by, float, ``(in,)``.
    """

    step: Tensor
    zero: Tensor
    scales: Tensor
    sizes: Tensor

    def __init__(self, linear: nn.Linear, given: Range, sizes: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        largest = (linear.weight.detach() * sizes).abs().amax(dim=1).clamp(min=_SMALLEST)
        low, high = given.low.amin(), given.high.amax()
        step = ((high - low) / _INPUT_STEPS).clamp(min=_SMALLEST)
        self.register_buffer("sizes", sizes[:, None])
        self.register_buffer("scales", largest / _WEIGHT_STEPS)
        self.register_buffer("step", step)
        self.register_buffer("zero", (-low / step).round().to(torch.uint8))

    def forward(self, x: Tensor) -> Tensor:
        """Float32 ``(..., in)`` to float32 ``(..., out)``."""
        write = torch.onnx.ops.symbolic
        weight = write(
            "QuantizeLinear",
            (self.weight.T * self.sizes, self.scales),
            {"axis": 1, "output_dtype": _ONNX_INT8},
            dtype=torch.int8,
            shape=self.weight.T.shape,
        )
        rounded = write(
            "QuantizeLinear", (x, self.step, self.zero), dtype=torch.uint8, shape=x.shape
        )
        # One node of ONNX Runtime's own for what are five of ONNX's.
        return write(
            "com.microsoft::MatMulIntegerToFloat",
            (rounded, weight, self.step, self.scales, self.zero, None, self.bias),
            dtype=torch.float32,
            shape=(*x.shape[:-1], len(self.weight)),
            version=1,
        )


def hold_in_int8(tagger: Tagger, proteins: Iterable[SequenceRecord]) -> None:
    """Replace the linear layers of a backbone, in place.

    Args:
        tagger: In evaluation mode.
        proteins: That its layers' inputs are measured on.
    """
    linears = {
        name: module
        for name, module in tagger.backbone.named_modules()
        if isinstance(module, nn.Linear)
    }
    given = _measure(tagger, linears, proteins)
    sizes = {name: torch.ones(linear.in_features) for name, linear in linears.items()}
    for norm, takers in _normed(tagger.backbone, linears):
        balanced = _balance([linears[name] for name in takers], given[takers[0]])
        with torch.no_grad():
            norm.weight.div_(balanced)
            norm.bias.div_(balanced)
        sizes |= dict.fromkeys(takers, balanced)
    for name, linear in linears.items():
        layer = Int8Linear(linear, given[name].divided(sizes[name]), sizes[name])
        tagger.backbone.set_submodule(name, layer)


def _measure(
    tagger: Tagger, linears: dict[str, nn.Linear], proteins: Iterable[SequenceRecord]
) -> dict[str, Range]:
    found = {name: Range(*torch.zeros(2, linear.in_features)) for name, linear in linears.items()}
    hooks = [
        linear.register_forward_pre_hook(lambda _, inputs, name=name: found[name].widen(inputs[0]))
        for name, linear in linears.items()
    ]
    for _ in predict_records(proteins, [tagger], _CALIBRATION_BATCH):
        pass
    for hook in hooks:
        hook.remove()
    return found


def _normed(
    backbone: nn.Module, linears: dict[str, nn.Linear]
) -> Iterable[tuple[nn.LayerNorm, list[str]]]:
    """Layer norms that nothing but linear layers takes from, with the names of these."""
    for name, module in backbone.named_modules():
        block, _, last = name.rpartition(".")
        takers = [f"{block}.{taker}" for taker in _NORMED.get(last, ())]
        if takers and all(taker in linears for taker in takers):
            assert isinstance(module, nn.LayerNorm)
            yield module, takers


def _balance(takers: Sequence[nn.Linear], given: Range) -> Tensor:
    """What to divide inputs by, so that they and weights share what is large: float, ``(in,)``."""
    largest = torch.maximum(-given.low, given.high).clamp(min=_SMALLEST)
    weights = torch.cat([taker.weight.detach() for taker in takers])
    sizes = (largest / weights.abs().amax(dim=0).clamp(min=_SMALLEST)).sqrt()
    return sizes / sizes.mean()
