"""What a graph computes: from tokens to everything a prediction is made of."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from peftsp.alphabet import PAD_TOKEN
from peftsp.inference.compute.ensemble import decode_emissions, ends_inside_probability
from peftsp.labels import KINGDOMS
from peftsp.model.decode import peptide_region_probabilities, region_probabilities
from peftsp.model.tagger import Tagger


class ResultsModule(nn.Module):
    """One model, or several as one, for `torch.export` alone.

    Args:
        taggers: At least one, in evaluation mode.
    """

    def __init__(self, taggers: Sequence[Tagger]) -> None:
        super().__init__()
        self.taggers = nn.ModuleList(taggers)

    def forward(self, tokens: Tensor, organism: Tensor) -> tuple[Tensor, ...]:
        """See `peftsp.inference.compute.onnx_model` for the names of all.

        Args:
            tokens: int64, ``(B, T)``; `PAD_TOKEN` behind the sequences.
            organism: int64, ``(B,)``; kingdom ids, -1 for other. That of eukaryotes counts every
                signal peptide as SP.
        """
        taggers = [tagger for tagger in self.taggers if isinstance(tagger, Tagger)]
        mask = tokens != PAD_TOKEN
        residue_mask = mask[:, 2:]
        sums_types = (organism == KINGDOMS.index("EUKARYA"))[:, None]
        emissions = [tagger(tokens, mask, organism) for tagger in taggers]
        marginals, decoded = decode_emissions(emissions, residue_mask, taggers, sums_types)
        return (
            *decoded,
            ends_inside_probability(emissions, residue_mask, taggers),
            region_probabilities(marginals),
            peptide_region_probabilities(marginals, sums_types),
        )
