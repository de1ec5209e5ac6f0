"""The whole model: backbone with its PEFT method, emission head, CRF."""

from __future__ import annotations

from torch import Tensor, nn

from peftsp.backbone.contract import Backbone
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import ConfigError
from peftsp.model.decode import Decoded, decode
from peftsp.model.head import EmissionHead
from peftsp.peft.base import PeftMethod

DECODINGS = ("of_type", "free")


class Tagger(nn.Module):
    """Says of each residue which state it is in.

    Args:
        backbone: What ``method.apply`` returned.
        method: The PEFT method that was applied.
        head: Makes emissions.
        crf: Makes paths of them.
        decoding: ``of_type``: the best path among those of the most probable SP type, so that type,
            cleavage site and regions agree. ``free``: the best path of all, as in the published
            reference.

    Raises:
        ConfigError: ``decoding`` is neither.
    """

    def __init__(
        self,
        backbone: Backbone,
        method: PeftMethod,
        head: EmissionHead,
        crf: LinearChainCRF,
        decoding: str = "of_type",
    ) -> None:
        super().__init__()
        if decoding not in DECODINGS:
            raise ConfigError(
                f"crf.decoding: expected one of {', '.join(DECODINGS)}, found {decoding!r}"
            )
        self.backbone = backbone
        self.method = method
        self.head = head
        self.crf = crf
        self.decoding = decoding

    def forward(self, tokens: Tensor, mask: Tensor, kingdoms: Tensor) -> Tensor:
        """Emissions.

        Args:
            tokens: int64, ``(B, T)``.
            mask: bool, ``(B, T)``, True at real tokens.
            kingdoms: int64, ``(B,)``; kingdom ids, -1 where not known.

        Returns:
            float, ``(B, L, C)``.
        """
        residue_mask = mask[:, 2:]  # as long as without <cls> and <eos>
        emissions: Tensor = self.head(self.backbone(tokens, mask), kingdoms, residue_mask)
        return emissions

    def decode(
        self,
        emissions: Tensor,
        marginals: Tensor,
        residue_mask: Tensor,
        sums_types: bool = False,
    ) -> Decoded:
        """Types, paths and cleavage sites; see `peftsp.model.decode.decode`."""
        within_type = self.decoding == "of_type"
        return decode(emissions, marginals, residue_mask, self.crf, within_type, sums_types)

    def trained_names(self) -> frozenset[str]:
        """Names of the parameters that a bundle or checkpoint has to hold.

        Head and CRF are among them even where they are kept as they were drawn: nothing else could
        tell what they were.
        """
        method_names = self.method.parameter_names(self.backbone.spec)
        own = {f"head.{name}" for name, _ in self.head.named_parameters()}
        own |= {f"crf.{name}" for name, _ in self.crf.named_parameters()}
        return frozenset(own | {f"backbone.{name}" for name in method_names})

    def merge(self) -> None:
        """Fold the PEFT method into the backbone's weights, for prediction only."""
        self.backbone = self.method.merge(self.backbone).train(self.training)
