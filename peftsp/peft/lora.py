"""LoRA: low-rank updates of linear layers (Hu et al., ICLR 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.quantization import NF4Linear
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.base import (
    PeftMethod,
    check_positive,
    check_target_modules,
    last_layers,
    linear_layers,
)
from peftsp.peft.low_rank import add_low_rank


@dataclass(frozen=True)
class LoRA(PeftMethod):
    """Learn ``W + (alpha / rank) · B · A`` in place of chosen weights ``W``.

    Attributes:
        rank: Rows of A and columns of B.
        alpha: Scale of the update, divided by the rank.
        dropout: Probability with which inputs of A are dropped in training.
        target_modules: Linear layers: any of q_proj, k_proj, v_proj, out_proj, fc1, fc2.
        last_k: How many of the last layers to change; None for all.
        rslora: Divide alpha by the root of the rank, not by the rank (Kalajdzievski, 2023).
        start: ``zero``: without effect, A drawn at random. ``pissa``: with the principal part of W,
            of which the rest stays frozen (Meng et al., NeurIPS 2024).
        lr_ratio: Factor of the learning rate for B (LoRA+, Hayou et al., ICML 2024).
    """

    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    last_k: int | None
    rslora: bool = False
    start: str = "zero"
    lr_ratio: float = 1.0

    starts_as_identity: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_modules", tuple(self.target_modules))
        check_positive(rank=self.rank, alpha=self.alpha, lr_ratio=self.lr_ratio)
        if self.start not in ("zero", "pissa"):
            raise ConfigError(f"peft.start: expected zero or pissa, found {self.start!r}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"peft.dropout: expected 0 <= dropout < 1, found {self.dropout}")
        check_target_modules(self.target_modules)

    def apply(self, backbone: ESM2) -> Backbone:
        """Replace the chosen linear layers by ones with an update."""
        if self.start == "pissa" and backbone.source.quantization:
            raise ConfigError(
                f"peft.start=pissa: expected backbone.quantization=null, "
                f"found {backbone.source.quantization}"
            )
        backbone.requires_grad_(False)
        for place in self._places(backbone.spec):
            linear = backbone.get_submodule(place)
            assert isinstance(linear, nn.Linear | NF4Linear)
            update = LoRALinear(linear, self.rank, self.scale, self.dropout)
            if self.start == "pissa":
                update.take_principal_part()
            backbone.set_submodule(place, update)
        return backbone

    @property
    def scale(self) -> float:
        """Factor of the update."""
        return self.alpha / (self.rank**0.5 if self.rslora else self.rank)

    def rate_factor(self, name: str) -> float:
        """That of B, or 1."""
        return self.lr_ratio if name.endswith("lora_B") else 1.0

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """A and B of each chosen layer."""
        return frozenset(
            f"{place}.{part}" for place in self._places(spec) for part in ("lora_A", "lora_B")
        )

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """The blocks before the first that changes."""
        return self._layers(spec).start

    def merge(self, backbone: Backbone) -> Backbone:
        """Add each update to its weight.

        Beside a quantized weight an update stays: their sum would have to be rounded anew.
        """
        if backbone.source.quantization:
            return backbone
        for place in self._places(backbone.spec):
            linear = backbone.get_submodule(place)
            assert isinstance(linear, LoRALinear)
            backbone.set_submodule(place, linear.merged())
        return backbone

    def average(
        self,
        others: Sequence[PeftMethod],
        weights: Sequence[Mapping[str, Tensor]],
        shares: Sequence[float],
    ) -> tuple[LoRA, dict[str, Tensor]]:
        """The mean of updates, whatever their ranks: their factors side by side."""
        methods: list[LoRA] = [self]
        for other in others:
            if not isinstance(other, LoRA) or not self._updates_alike(other):
                raise ConfigError(
                    f"peft: expected LoRA in the same layers to average, found {self.settings()} "
                    f"and {other.settings()}"
                )
            methods.append(other)
        if any(method.start != "zero" for method in methods):
            raise ConfigError(
                f"peft.start: expected zero in models to average, as others change frozen weights, "
                f"found {', '.join(method.start for method in methods)}"
            )
        factors = [share * m.scale for m, share in zip(methods, shares, strict=True)]
        rank = sum(method.rank for method in methods)
        averaged = replace(self, rank=rank, alpha=rank, rslora=False)
        return averaged, {
            name: torch.cat([w[name] for w in weights], dim=0)
            if name.endswith("lora_A")
            else torch.cat([w[name] * f for w, f in zip(weights, factors, strict=True)], dim=1)
            for name in sorted(weights[0])
        }

    def _updates_alike(self, other: LoRA) -> bool:
        return self.last_k == other.last_k and set(self.target_modules) == set(other.target_modules)

    def _places(self, spec: BackboneSpec) -> list[str]:
        return linear_layers(self._layers(spec), self.target_modules)

    def _layers(self, spec: BackboneSpec) -> range:
        return last_layers(spec, self.last_k, "peft.last_k")


class LoRALinear(nn.Module):
    """A linear layer with a low-rank update beside it.

    Args:
        base: The layer to update, frozen; taken over, not copied.
        rank: Rank of the update.
        scale: Factor of the update.
        dropout: Probability with which inputs of the update are dropped in training.
    """

    def __init__(
        self, base: nn.Linear | NF4Linear, rank: int, scale: float, dropout: float
    ) -> None:
        super().__init__()
        self.base = base
        self.scale = scale
        self.dropout = dropout
        # Half-precision backbones still get updates that the optimizer can move in small steps.
        dtype = torch.promote_types(base.bias.dtype, torch.float32)
        device = base.bias.device
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features, dtype=dtype, device=device))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank, dtype=dtype, device=device))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Float ``(..., in)`` to float ``(..., out)``."""
        dropout = self.dropout if self.training else 0.0
        return add_low_rank(self.base(x), x, self.lora_A, self.lora_B, self.scale, dropout)

    def take_principal_part(self) -> None:
        """Start with the greatest singular values of the weight, and leave it the others.

        Raises:
            ConfigError: The weight has fewer than the rank.
        """
        assert isinstance(self.base, nn.Linear)
        base, weight = self.base, self.base.weight.detach()
        rank = len(self.lora_A)
        if rank > min(weight.shape):
            raise ConfigError(
                f"peft.rank: expected at most {min(weight.shape)} with peft.start=pissa, "
                f"found {rank}"
            )
        if weight.is_meta:
            return
        left, values, right = torch.linalg.svd(weight.to(self.lora_A.dtype), full_matrices=False)
        roots = (values[:rank] / self.scale).sqrt()
        self.lora_A.data = roots[:, None] * right[:rank]
        self.lora_B.data = left[:, :rank] * roots
        rest = weight - self.scale * (self.lora_B.data @ self.lora_A.data)
        # Others may share the layer and its tensors.
        self.base = nn.Linear(base.in_features, base.out_features, device="meta")
        self.base.weight = nn.Parameter(rest.to(weight.dtype), requires_grad=False)
        self.base.bias = base.bias

    def merged(self) -> nn.Linear:
        """A plain layer that gives the same output as one with a plain base."""
        assert isinstance(self.base, nn.Linear)
        weight, bias = self.base.weight, self.base.bias
        linear = nn.Linear(self.base.in_features, self.base.out_features, device="meta")
        update = self.scale * (self.lora_B @ self.lora_A)
        merged = (weight + update).to(weight.dtype)
        linear.weight = nn.Parameter(merged.detach(), requires_grad=False)
        linear.bias = bias
        return linear
