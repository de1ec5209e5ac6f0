"""Full fine-tuning: every parameter of the backbone trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2, Block
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.base import PeftMethod


@dataclass(frozen=True)
class Full(PeftMethod):
    """The whole backbone trains, and the bundle holds all of it.

    Attributes:
        dropout: Probability with which features are dropped in training, after attention and after
            feed-forward, before a block's residual sums (Vaswani et al., NeurIPS 2017).
    """

    dropout: float

    starts_as_identity: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"peft.dropout: expected 0 <= dropout < 1, found {self.dropout}")

    def apply(self, backbone: ESM2) -> Backbone:
        """Unfreeze the backbone."""
        if backbone.source.quantization:
            raise ConfigError(
                f"peft=full: expected backbone.quantization=null, since weights in 4 bits cannot "
                f"train, found {backbone.source.quantization}"
            )
        backbone.requires_grad_(True)
        if self.dropout:
            for block in backbone.layers:
                assert isinstance(block, Block)
                block.after_attention = nn.Dropout(self.dropout)
                block.after_feed_forward = nn.Dropout(self.dropout)
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """All of them."""
        with torch.device("meta"):
            return frozenset(ESM2(spec).state_dict())

    def frozen_prefix(self, spec: BackboneSpec) -> int:  # noqa: ARG002
        """None."""
        return 0
