"""With how many digits a backbone computes; head, CRF and decoding always use float32."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from peftsp.errors import ConfigError
from peftsp.model.tagger import Tagger

_SMALLEST_SCALE = 1e-12


def find_precision(name: str, device: torch.device) -> str:
    """Arithmetic for one of the choices; ``auto`` is bfloat16 on GPUs that have it, else float32.

    Raises:
        ConfigError: The device has no such arithmetic.
    """
    is_gpu = device.type == "cuda"
    if name == "auto":
        return "bf16" if is_gpu and torch.cuda.is_bf16_supported() else "fp32"
    if name == "int8" and device.type != "cpu":
        raise ConfigError(f"precision int8: expected the device cpu, found {device.type}")
    return name


def lower_precision(taggers: Sequence[Tagger], precision: str) -> None:
    """Hold the weights of backbones as a precision needs them, in place.

    Args:
        taggers: Models for prediction only.
        precision: ``fp32``; ``bf16``, for computing under autocasting; ``int8``, on CPUs.

    Raises:
        ConfigError: A backbone is held in fewer bits already.
    """
    if precision == "int8":
        _quantize(taggers)
    if precision == "bf16":
        _round_to_bfloat16(taggers)


def _round_to_bfloat16(taggers: Sequence[Tagger]) -> None:
    """Round weights as autocasting would for each batch anew; models still share those they do."""
    rounded: dict[int, Tensor] = {}
    modules = (module for tagger in taggers for module in tagger.backbone.modules())
    for linear in (module for module in modules if isinstance(module, nn.Linear)):
        for parameter in linear.parameters():
            place = parameter.data_ptr()
            if place not in rounded:
                rounded[place] = parameter.data.bfloat16()
            parameter.data = rounded[place]


def _quantize(taggers: Sequence[Tagger]) -> None:
    """Compute the products of backbones in 8-bit integers."""
    for tagger in taggers:
        held = tagger.backbone.source.quantization
        if held:
            raise ConfigError(
                f"precision int8: expected bundles trained without backbone.quantization, "
                f"found {held}"
            )
    with _fastest_kernels():
        for tagger in taggers:
            layers = [n for n, m in tagger.backbone.named_modules() if isinstance(m, nn.Linear)]
            for name in layers:
                linear = tagger.backbone.get_submodule(name)
                assert isinstance(linear, nn.Linear)
                tagger.backbone.set_submodule(name, Int8Linear(linear))


class Int8Linear(nn.Module):
    """A linear layer that multiplies 8-bit integers.

    Weights are rounded once, a scale for each output feature; activations at each call, a scale
    for each row: one for the whole tensor would let a residue's rounding depend on the proteins
    beside it in the batch.

    Args:
        linear: What it computes but for rounding.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = weight.abs().amax(dim=1).clamp(min=_SMALLEST_SCALE) / 127
        zeros = torch.zeros(len(scales), dtype=torch.int64)
        with warnings.catch_warnings():
            # torchao, which is to replace this, asks for a compiler on the user's machine.
            warnings.simplefilter("ignore")
            rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Float32 ``(..., in)`` to float32 ``(..., out)``."""
        rows = x.reshape(-1, x.shape[-1])
        scales = rows.abs().amax(dim=1, keepdim=True).clamp(min=_SMALLEST_SCALE)
        # The kernel takes its scale from the least and the greatest number that it is given: one
        # row more, with both, makes that scale the same at every call.
        unit = rows.new_zeros(len(rows) + 1, rows.shape[1])
        torch.div(rows, scales, out=unit[:-1])
        unit[-1, 0], unit[-1, -1] = -1, 1
        out: Tensor = torch.ops.quantized.linear_dynamic(unit, self._packed, True)[:-1] * scales
        if self.bias is not None:
            out = out + self.bias
        return out.view(*x.shape[:-1], out.shape[-1])


@contextmanager
def _fastest_kernels() -> Iterator[None]:
    """Let oneDNN's kernels be chosen where a processor has them for its 512-bit registers."""
    engines = torch.backends.quantized
    plain = engines.engine
    if (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "onednn" in engines.supported_engines
    ):
        engines.engine = "onednn"
    try:
        yield
    finally:
        engines.engine = plain
