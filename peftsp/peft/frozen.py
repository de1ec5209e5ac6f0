"""The backbone as it is: only the head trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.peft.base import PeftMethod


@dataclass(frozen=True)
class Frozen(PeftMethod):
    """Nothing in the backbone trains."""

    starts_as_identity: ClassVar[bool] = True

    def apply(self, backbone: ESM2) -> Backbone:
        """Freeze the backbone."""
        backbone.requires_grad_(False)
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:  # noqa: ARG002
        """None."""
        return frozenset()

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """All."""
        return spec.layers
