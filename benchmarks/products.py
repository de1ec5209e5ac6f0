"""How fast matrices are multiplied, and how many products a backbone needs."""

from __future__ import annotations

import time

import torch

from peftsp.backbone.specs import BackboneSpec
from peftsp.peft.base import PeftMethod, last_layers
from peftsp.peft.lora import LoRA

_SIDE = {"cpu": 2048, "cuda": 8192}


class MatrixProduct:
    """A large product of two square matrices, the yardstick of a machine.

    Args:
        device: Where to compute.
        precision: ``fp32``, ``bf16`` or ``int8``.
    """

    def __init__(self, device: torch.device, precision: str) -> None:
        self.device = device
        side = _SIDE.get(device.type, _SIDE["cpu"])
        self.operations = 2 * side**3
        self.left = torch.randn(side, side, device=device)
        self.layer: torch.nn.Module = torch.nn.Linear(side, side, bias=False, device=device)
        if precision == "bf16":
            self.left = self.left.bfloat16()
            self.layer = self.layer.bfloat16()
        if precision == "int8":
            self.layer = _quantized(self.layer)

    @torch.inference_mode()
    def rate(self) -> float:
        """Operations a second of one product."""
        started = time.perf_counter()
        self.layer(self.left)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return self.operations / (time.perf_counter() - started)


def _quantized(layer: torch.nn.Module) -> torch.nn.Module:
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    wanted = {torch.nn.Linear: per_channel_dynamic_qconfig}
    return quantize_dynamic(torch.nn.Sequential(layer), wanted)


def backbone_operations(
    spec: BackboneSpec,
    method: PeftMethod | None,
    sequences: int,
    tokens: int,
    skips_frozen: bool = False,
) -> float:
    """Additions and multiplications in the products of a pass over a batch.

    Two for each weight and token; the products of attention; in training once more for the
    gradients of activations of the layers that train and of attention twice, and three times the
    products of the updates. Gradients of frozen weights are not needed.

    Args:
        spec: Sizes of the backbone.
        method: What trains; None for prediction with merged updates.
        sequences: In a batch.
        tokens: Of a sequence, special ones included.
        skips_frozen: The layers before the first that trains are not computed.
    """
    all_tokens = sequences * tokens
    weights = 2 * 12 * spec.width**2 * all_tokens
    attention = 4 * tokens * spec.width * all_tokens
    is_lora = isinstance(method, LoRA)
    trained = len(last_layers(spec, method.last_k, "peft.last_k")) if is_lora else 0
    total = (trained if skips_frozen else spec.layers) * (weights + attention)
    if not is_lora:
        return total
    update = 2 * 2 * spec.width * method.rank * all_tokens
    return total + trained * (weights + 2 * attention + 3 * len(method.target_modules) * update)
