"""Several models as one: averaged state probabilities and the best path under them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from peftsp.crf.constraints import constraint_table
from peftsp.crf.functional import viterbi
from peftsp.crf.graph import FORBIDDEN, ChainScores, StateGraph
from peftsp.metrics.functional import cleavage_sites
from peftsp.model.decode import (
    Decoded,
    site_probability,
    states_of_call,
    sum_types,
    type_probabilities,
)
from peftsp.model.tagger import Tagger

_SMALLEST_PROBABILITY = 1e-12

_TYPE_DIGITS = 5

_ILLEGAL_STEP = -1e4
"""Far below the log-probability of any path, and small enough to keep the digits of a sum with one.
Few residues may have no legal path of their type; then the one with the fewest illegal steps
wins."""


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


def decode_marginals(marginals: Tensor, residue_mask: Tensor, sums_types: bool = False) -> Decoded:
    """Read types, paths and cleavage sites out of state probabilities alone.

    The path is the one with the greatest product of its states' probabilities among the legal paths
    (`peftsp.labels`) of the most probable type: posterior-Viterbi decoding of Fariselli et al., BMC
    Bioinformatics 2005. Models of an ensemble score steps on scales of their own, which
    probabilities make comparable. Of types that are equally probable to five digits the first one
    wins: two models that are sure of different types leave nothing but rounding to decide.

    Args:
        marginals: float, ``(B, L, C)``, zero at padding.
        residue_mask: bool, ``(B, L)``, True at real residues.
        sums_types: Count every signal peptide as SP, see `peftsp.model.decode.sum_types`.
    """
    of_types = type_probabilities(marginals, residue_mask)
    probabilities = sum_types(of_types) if sums_types else of_types
    sp_types = probabilities.round(decimals=_TYPE_DIGITS).argmax(dim=-1)
    of_type = states_of_call(of_types.round(decimals=_TYPE_DIGITS), sp_types)
    scores = marginals.clamp(min=_SMALLEST_PROBABILITY).log().masked_fill(~of_type, FORBIDDEN)
    paths = viterbi(scores, residue_mask, _legal_steps(marginals.device))
    sites = cleavage_sites(paths)
    certainties = site_probability(marginals, paths, sites, sums_types)
    return Decoded(probabilities, sp_types, paths, sites, certainties)


def _legal_steps(device: torch.device) -> ChainScores:
    legal = constraint_table("peftsp")
    transitions, start, end = (
        torch.zeros(allowed.shape).masked_fill(~allowed, _ILLEGAL_STEP).to(device)
        for allowed in legal
    )
    every_step = torch.ones_like(legal.transitions, device=device)
    return ChainScores.from_tables(transitions, start, end, StateGraph.from_allowed(every_step))
