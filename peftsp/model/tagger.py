"""The whole model: backbone with its PEFT method, emission head, CRF."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from peftsp.alphabet import ALPHABET, STANDARD_RESIDUE_TOKENS
from peftsp.backbone.contract import Backbone
from peftsp.crf.graph import FORBIDDEN
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import ConfigError
from peftsp.labels import RESIDUES_OF_STATE, STATES
from peftsp.model.decode import Decoded, decode
from peftsp.model.head import EmissionHead
from peftsp.model.temperature import temper_types
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
        knows_residues: Forbid states at residues that cannot be in them, see
            `peftsp.labels.RESIDUES_OF_STATE`; residues that are not known can be in all.
        temperature: Of SP types, see `peftsp.model.temperature.temper_types`.

    Raises:
        ConfigError: ``decoding`` is neither, or ``temperature`` is not a number above 0.
    """

    is_impossible: Tensor | None

    def __init__(
        self,
        backbone: Backbone,
        method: PeftMethod,
        head: EmissionHead,
        crf: LinearChainCRF,
        decoding: str,
        knows_residues: bool,
        temperature: float,
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
        if not (math.isfinite(temperature) and temperature > 0):
            raise ConfigError(f"crf.temperature: expected a number above 0, found {temperature}")
        self.decoding = decoding
        self.temperature = temperature
        self.register_buffer(
            "is_impossible", impossible_states() if knows_residues else None, persistent=False
        )

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
        if self.is_impossible is not None:
            emissions = emissions.masked_fill(self.is_impossible[tokens[:, 1:-1]], FORBIDDEN)
        return emissions

    def marginals(self, emissions: Tensor, residue_mask: Tensor) -> Tensor:
        """State probabilities, float, ``(B, L, C)``, with the temperature of SP types.

        Args:
            emissions: float, ``(B, L, C)``.
            residue_mask: bool, ``(B, L)``, True at real residues.
        """
        exact = self.crf.marginals(emissions, residue_mask)
        return temper_types(exact, residue_mask, self.temperature)

    def decode(
        self,
        emissions: Tensor,
        marginals: Tensor,
        residue_mask: Tensor,
        sums_types: bool | Tensor = False,
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


def impossible_states() -> Tensor:
    """Which states a token cannot be in, bool, ``(33, C)``.

    >>> impossible_states()[ALPHABET.index("A")].nonzero().flatten().tolist()
    [12, 27]
    """
    is_impossible = torch.zeros(len(ALPHABET), len(STATES), dtype=torch.bool)
    for state, residues in RESIDUES_OF_STATE.items():
        others = [token for token in STANDARD_RESIDUE_TOKENS if ALPHABET[token] not in residues]
        is_impossible[others, state] = True
    return is_impossible
