"""Full fine-tuning: every parameter of the backbone trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.peft.base import PeftMethod


@dataclass(frozen=True)
class Full(PeftMethod):
    """The whole backbone trains, and the bundle holds all of it."""

    starts_as_identity: ClassVar[bool] = True

    def apply(self, backbone: ESM2) -> Backbone:
        """Unfreeze the backbone."""
        backbone.requires_grad_(True)
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """All of them."""
        with torch.device("meta"):
            return frozenset(ESM2(spec).state_dict())
