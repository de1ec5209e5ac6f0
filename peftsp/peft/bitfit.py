"""BitFit: biases alone train (Ben Zaken, Goldberg, Ravfogel, ACL 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.quantization import NF4Linear
from peftsp.backbone.specs import BackboneSpec
from peftsp.peft.base import PeftMethod, check_target_modules, last_layers, linear_layers


@dataclass(frozen=True)
class BitFit(PeftMethod):
    """Learn ``b + s`` in place of the biases ``b`` of chosen linear layers.

    Attributes:
        target_modules: Linear layers: any of q_proj, k_proj, v_proj, out_proj, fc1, fc2.
        last_k: How many of the last layers to change; None for all.
    """

    target_modules: tuple[str, ...]
    last_k: int | None

    starts_as_identity: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_modules", tuple(self.target_modules))
        check_target_modules(self.target_modules)

    def apply(self, backbone: ESM2) -> Backbone:
        """Replace the chosen linear layers by ones with a shift."""
        backbone.requires_grad_(False)
        for place in self._places(backbone.spec):
            linear = backbone.get_submodule(place)
            assert isinstance(linear, nn.Linear | NF4Linear)
            backbone.set_submodule(place, ShiftedLinear(linear))
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """The shift of each chosen layer."""
        return frozenset(f"{place}.shift" for place in self._places(spec))

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """The blocks before the first that changes."""
        return self._layers(spec).start

    def merge(self, backbone: Backbone) -> Backbone:
        """Add each shift to its bias; those of quantized layers stay beside them."""
        if backbone.source.quantization:
            return backbone
        for place in self._places(backbone.spec):
            linear = backbone.get_submodule(place)
            assert isinstance(linear, ShiftedLinear)
            backbone.set_submodule(place, linear.merged())
        return backbone

    def _places(self, spec: BackboneSpec) -> list[str]:
        return linear_layers(self._layers(spec), self.target_modules)

    def _layers(self, spec: BackboneSpec) -> range:
        return last_layers(spec, self.last_k, "peft.last_k")


class ShiftedLinear(nn.Module):
    """A linear layer whose outputs are shifted.

    Args:
        base: The layer, frozen; taken over, not copied.
    """

    def __init__(self, base: nn.Linear | NF4Linear) -> None:
        super().__init__()
        self.base = base
        # Half-precision backbones still get shifts that the optimizer can move in small steps.
        dtype = torch.promote_types(base.bias.dtype, torch.float32)
        self.shift = nn.Parameter(torch.zeros_like(base.bias, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Float ``(..., in)`` to float ``(..., out)``."""
        if isinstance(self.base, nn.Linear):
            return functional.linear(x, self.base.weight, self._bias())
        out: Tensor = self.base(x)
        return out + self.shift.to(out.dtype)

    def merged(self) -> nn.Linear:
        """A plain layer that gives the same output as one with a plain base."""
        assert isinstance(self.base, nn.Linear)
        linear = nn.Linear(self.base.in_features, self.base.out_features, device="meta")
        linear.weight = self.base.weight
        linear.bias = nn.Parameter(self._bias().detach(), requires_grad=False)
        return linear

    def _bias(self) -> Tensor:
        bias = self.base.bias
        return (bias + self.shift).to(bias.dtype)
