"""What every backbone gives, with or without a PEFT method in it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from peftsp.backbone.specs import BackboneSource, BackboneSpec


class Backbone(nn.Module, ABC):
    """A module that turns tokens into residue representations.

    Args:
        source: Where its weights come from.

    Attributes:
        source: The same.
        content_hash: Identifies the weights it was filled with; empty while they are arbitrary.
    """

    def __init__(self, source: BackboneSource) -> None:
        super().__init__()
        self.source = source
        self.content_hash = ""

    @property
    def spec(self) -> BackboneSpec:
        """The architecture."""
        return self.source.spec

    @abstractmethod
    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Residue representations.

        Args:
            tokens: int64, ``(B, T)``, with ``<cls>`` first and ``<eos>`` after the last residue.
            mask: bool, ``(B, T)``, True at real tokens, the special ones included.

        Returns:
            float, ``(B, L, D)``, after the final layer norm: no special tokens, no prompt. Rows
            beyond a sequence's residues hold no meaning.
        """
