"""From tokens to results, by one model or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from peftsp.alphabet import PAD_TOKEN
from peftsp.crf.constraints import constraint_table
from peftsp.crf.functional import viterbi
from peftsp.crf.graph import FORBIDDEN, ChainScores, StateGraph
from peftsp.data.batch import Batch
from peftsp.errors import CheckpointError
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.results import Results
from peftsp.labels import MAX_RESIDUES
from peftsp.model.decode import (
    Decoded,
    called_probabilities,
    end_inside_probability,
    peptide_region_probabilities,
    region_probabilities,
    states_of_call,
    type_probabilities,
)
from peftsp.model.tagger import Tagger

_SMALLEST_PROBABILITY = 1e-12

_TYPE_DIGITS = 5

_FEWEST_SEQUENCES = 3

_ILLEGAL_STEP = -1e4
"""Far below the log-probability of any path, and small enough to keep the digits of a sum with one.
Few residues may have no legal path of their type; then the one with the fewest illegal steps
wins."""


# A decorator and not a block in the generator, where the mode would leak to the caller at a yield.
@torch.inference_mode()
def find_results(batch: Batch, taggers: Sequence[Tagger], options: Options) -> Results:
    """What one model decodes as it was trained to, or several decode of their average.

    Args:
        batch: Tokens on the device of the models.
        taggers: At least one, in evaluation mode.
        options: What is told to the models and asked of them.

    Raises:
        CheckpointError: A model gives a score that is no finite number.
    """
    with torch.autocast(
        batch.tokens.device.type, torch.bfloat16, enabled=options.precision == "bf16"
    ):
        shaped = _of_one_shape(batch) if options.precision == "bf16" else batch
        emissions = [
            tagger(shaped.tokens, shaped.mask, shaped.kingdoms)[
                : len(batch.tokens), : batch.residue_mask.shape[1]
            ]
            for tagger in taggers
        ]
    if not all(bool(scores[batch.residue_mask].isfinite().all()) for scores in emissions):
        raise CheckpointError(
            f"models in {options.precision}: expected finite scores, found others: the weights are "
            "broken or too large for this precision"
        )
    marginals, decoded = decode_emissions(
        emissions, batch.residue_mask, taggers, options.sums_types
    )
    ends_inside = ends_inside_probability(emissions, batch.residue_mask, taggers)
    regions = by_type = None
    if options.has_region_probabilities:
        regions = region_probabilities(marginals).cpu().numpy()
    if options.has_peptide_regions:
        by_type = peptide_region_probabilities(marginals, options.sums_types).cpu().numpy()
    found: list[Any] = [tensor.cpu().numpy() for tensor in (*decoded, ends_inside)]
    return Results._make([*found, regions, by_type])


def _of_one_shape(batch: Batch) -> Batch:
    """The batch padded to full length, with copies of its first sequence if it has few.

    Kernels for bfloat16 sum in another order for other lengths and for few rows; what differs in
    the last bit of a sum may differ in the eighth bit of what it is rounded to.
    """
    copies = max(0, _FEWEST_SEQUENCES - len(batch.tokens))
    beyond = MAX_RESIDUES + 2 - batch.tokens.shape[1]
    tokens, mask, kingdoms = (
        torch.cat([part, *[part[:1]] * copies])
        for part in (batch.tokens, batch.mask, batch.kingdoms)
    )
    return replace(
        batch,
        tokens=F.pad(tokens, (0, beyond), value=PAD_TOKEN),
        mask=F.pad(mask, (0, beyond), value=False),
        kingdoms=kingdoms,
    )


def decode_emissions(
    emissions: Sequence[Tensor],
    residue_mask: Tensor,
    taggers: Sequence[Tagger],
    sums_types: bool | Tensor,
) -> tuple[Tensor, Decoded]:
    """State probabilities of one model or several, float, ``(B, L, C)``, and what they say.

    Args:
        emissions: Of each model, float, ``(B, L, C)``.
        residue_mask: bool, ``(B, L)``, True at real residues.
        taggers: At least one.
        sums_types: See `peftsp.model.decode.decode`.
    """
    if len(taggers) > 1:
        marginals = average_marginals(taggers, emissions, residue_mask)
        return marginals, decode_marginals(marginals, residue_mask, sums_types)
    (tagger,) = taggers
    marginals = tagger.marginals(emissions[0], residue_mask)
    return marginals, tagger.decode(emissions[0], marginals, residue_mask, sums_types)


def ends_inside_probability(
    emissions: Sequence[Tensor], residue_mask: Tensor, taggers: Sequence[Tagger]
) -> Tensor:
    """Of those whose end is seen, see `end_inside_probability`; zero for the others.

    Args:
        emissions: Of each model, float, ``(B, L, C)``.
        residue_mask: bool, ``(B, L)``, True at real residues.
        taggers: At least one.

    Returns:
        float, ``(B,)``.
    """
    is_seen = residue_mask.sum(dim=1) < MAX_RESIDUES
    if torch.compiler.is_exporting():
        return torch.where(is_seen, _mean_end_inside(emissions, residue_mask, taggers), 0.0)
    found = emissions[0].new_zeros(len(residue_mask))
    if is_seen.any():
        seen = [scores[is_seen] for scores in emissions]
        found[is_seen] = _mean_end_inside(seen, residue_mask[is_seen], taggers)
    return found


def _mean_end_inside(
    emissions: Sequence[Tensor], residue_mask: Tensor, taggers: Sequence[Tagger]
) -> Tensor:
    each = [
        end_inside_probability(scores, residue_mask, tagger.crf)
        for scores, tagger in zip(emissions, taggers, strict=True)
    ]
    return torch.stack(each).mean(dim=0)


def average_marginals(
    taggers: Sequence[Tagger], emissions: Sequence[Tensor], residue_mask: Tensor
) -> Tensor:
    """State probabilities, averaged over models.

    Args:
        taggers: At least one.
        emissions: Of each model, float, ``(B, L, C)``.
        residue_mask: bool, ``(B, L)``, True at real residues.

    Returns:
        float, ``(B, L, C)``; real residues sum to one, padded ones are zero.
    """
    marginals = [
        tagger.marginals(scores, residue_mask)
        for tagger, scores in zip(taggers, emissions, strict=True)
    ]
    return torch.stack(marginals).mean(dim=0)


def decode_marginals(
    marginals: Tensor, residue_mask: Tensor, sums_types: bool | Tensor = False
) -> Decoded:
    """Read types, paths and cleavage sites out of state probabilities alone.

    The path is the one with the greatest product of its states' probabilities among the legal paths
    (`peftsp.labels`) of the most probable type: posterior-Viterbi decoding of Fariselli et al., BMC
    Bioinformatics 2005. Models of an ensemble score steps on scales of their own, which
    probabilities make comparable. Of types that are equally probable to five digits the first one
    wins: two models that are sure of different types leave nothing but rounding to decide.

    Args:
        marginals: float, ``(B, L, C)``, zero at padding.
        residue_mask: bool, ``(B, L)``, True at real residues.
        sums_types: Count every signal peptide as SP, see `peftsp.model.decode.decode`.
    """
    of_types = type_probabilities(marginals, residue_mask)
    probabilities = called_probabilities(of_types, sums_types)
    sp_types = probabilities.round(decimals=_TYPE_DIGITS).argmax(dim=-1)
    of_type = states_of_call(of_types.round(decimals=_TYPE_DIGITS), sp_types)
    scores = marginals.clamp(min=_SMALLEST_PROBABILITY).log().masked_fill(~of_type, FORBIDDEN)
    paths = viterbi(scores, residue_mask, _LEGAL_STEPS.to(marginals.device))
    return Decoded.of_paths(probabilities, sp_types, paths, marginals, sums_types)


def _legal_steps() -> ChainScores:
    legal = constraint_table("peftsp")
    transitions, start, end = (
        torch.zeros(allowed.shape).masked_fill(~allowed, _ILLEGAL_STEP) for allowed in legal
    )
    every_step = StateGraph.from_allowed(torch.ones_like(legal.transitions))
    return ChainScores.from_tables(transitions, start, end, every_step)


_LEGAL_STEPS = _legal_steps()
