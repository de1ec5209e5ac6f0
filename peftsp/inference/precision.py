"""With how many digits a backbone computes; head, CRF and decoding always use float32."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

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


def quantize(taggers: Sequence[Tagger]) -> None:
    """Compute the products of backbones in 8-bit integers, in place.

    Weights are rounded once, a scale for each output feature; activations at each call, a scale for
    each tensor.

    Args:
        taggers: Models on a CPU, for prediction only.

    Raises:
        ConfigError: A backbone is held in fewer bits already.
    """
    for tagger in taggers:
        held = tagger.backbone.source.quantization
        if held:
            raise ConfigError(
                f"--precision int8: expected bundles trained without backbone.quantization, "
                f"found {held}"
            )
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    for tagger in taggers:
        with warnings.catch_warnings():
            # torchao, which is to replace this, asks for a compiler on the user's machine.
            warnings.simplefilter("ignore")
            quantize_dynamic(  # type: ignore[no-untyped-call]
                tagger.backbone, {nn.Linear: per_channel_dynamic_qconfig}, inplace=True
            )
