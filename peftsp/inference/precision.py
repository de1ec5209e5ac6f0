"""With how many digits a backbone computes; head, CRF and decoding always use float32."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from peftsp.errors import ConfigError
from peftsp.model.tagger import Tagger

PRECISIONS = ("auto", "fp32", "bf16", "int8")


def find_precision(name: str, device: torch.device) -> str:
    """One of ``fp32``, ``bf16``, ``int8``; ``auto`` is bfloat16 on GPUs that have it, else float32.

    Raises:
        ConfigError: The device has no such arithmetic.
    """
    is_gpu = device.type == "cuda"
    if name == "auto":
        return "bf16" if is_gpu and torch.cuda.is_bf16_supported() else "fp32"
    if name == "int8" and device.type != "cpu":
        raise ConfigError(f"--precision int8: expected the device cpu, found {device.type}")
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
    rounded: dict[int, torch.Tensor] = {}
    modules = (module for tagger in taggers for module in tagger.backbone.modules())
    for linear in (module for module in modules if isinstance(module, nn.Linear)):
        for parameter in linear.parameters():
            place = parameter.data_ptr()
            if place not in rounded:
                rounded[place] = parameter.data.bfloat16()
            parameter.data = rounded[place]


def _quantize(taggers: Sequence[Tagger]) -> None:
    """Compute the products of backbones in 8-bit integers.

    Weights are rounded once, a scale for each output feature; activations at each call, a scale for
    each tensor.
    """
    for tagger in taggers:
        held = tagger.backbone.source.quantization
        if held:
            raise ConfigError(
                f"--precision int8: expected bundles trained without backbone.quantization, "
                f"found {held}"
            )
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    with warnings.catch_warnings(), _fastest_kernels():
        # torchao, which is to replace this, asks for a compiler on the user's machine.
        warnings.simplefilter("ignore")
        for tagger in taggers:
            quantize_dynamic(  # type: ignore[no-untyped-call]
                tagger.backbone, {nn.Linear: per_channel_dynamic_qconfig}, inplace=True
            )


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
