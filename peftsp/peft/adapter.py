"""Adapter tuning: bottlenecks inside the last blocks (Houlsby et al., ICML 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2, Block
from peftsp.backbone.specs import BackboneSpec
from peftsp.peft.base import PeftMethod, check_positive, last_layers
from peftsp.peft.bottleneck import BOTTLENECK_PARAMETERS, Bottleneck

_SLOTS = ("after_attention", "after_feed_forward")


@dataclass(frozen=True)
class Adapter(PeftMethod):
    """Two bottlenecks in each of the last blocks, before the block's residual sums.

    Attributes:
        last_k: How many of the last layers get adapters; None for all.
        bottleneck: Features between the two linear maps; None for half the width.
        identity: Start without effect; False starts as published.
    """

    last_k: int | None
    bottleneck: int | None
    identity: bool

    def __post_init__(self) -> None:
        if self.bottleneck is not None:
            check_positive(bottleneck=self.bottleneck)

    @property
    def starts_as_identity(self) -> bool:  # type: ignore[override]
        """As the setting says."""
        return self.identity

    def apply(self, backbone: ESM2) -> Backbone:
        """Fill the blocks' slots with adapters."""
        backbone.requires_grad_(False)
        width = backbone.spec.width
        inner = self.bottleneck or width // 2
        for layer in self._layers(backbone.spec):
            block = backbone.layers[layer]
            assert isinstance(block, Block)
            for slot in _SLOTS:
                setattr(block, slot, Bottleneck(width, inner, self.identity))
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """Everything in the bottlenecks."""
        return frozenset(
            f"layers.{layer}.{slot}.{parameter}"
            for layer in self._layers(spec)
            for slot in _SLOTS
            for parameter in BOTTLENECK_PARAMETERS
        )

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """The blocks before the first that has adapters."""
        return self._layers(spec).start

    def _layers(self, spec: BackboneSpec) -> range:
        return last_layers(spec, self.last_k, "peft.last_k")
