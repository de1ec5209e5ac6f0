"""From state probabilities and paths to SP types, cleavage sites and regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.labels import (
    LAST_SP_STATE_OF_TYPE,
    NO_SP,
    PEPTIDE_REGION_OF_STATE,
    PEPTIDE_REGIONS,
    RESIDUE_REGION_OF_STATE,
    RESIDUE_REGIONS,
    SIGNAL_PEPTIDE_STATES,
    SP_TYPES,
    STATES,
    TYPE_OF_STATE,
)
from peftsp.state_paths import PART_OF_STATE, REGION_OF_PART


class Decoded(NamedTuple):
    """What a model says of a batch.

    Attributes:
        probabilities: float, ``(B, K)``; of each SP type, rows sum to one.
        sp_types: int64, ``(B,)``; the most probable type's id.
        paths: int64, ``(B, L)``; state indices, -1 at padding.
        cleavage_sites: int64, ``(B,)``; residues before the cut, -1 where there is none.
        site_probabilities: float, ``(B,)``; see `site_probability`, 0 where there is no cut.
    """

    probabilities: Tensor
    sp_types: Tensor
    paths: Tensor
    cleavage_sites: Tensor
    site_probabilities: Tensor

    @classmethod
    def of_paths(
        cls,
        probabilities: Tensor,
        sp_types: Tensor,
        paths: Tensor,
        marginals: Tensor,
        sums_types: bool | Tensor,
    ) -> Self:
        """What paths say of cleavage sites, beside the types.

        Args:
            probabilities: float, ``(B, K)``.
            sp_types: int64, ``(B,)``.
            paths: int64, ``(B, L)``, -1 at padding.
            marginals: float, ``(B, L, C)``, zero at padding.
            sums_types: See `decode`.
        """
        sites = cleavage_sites(paths)
        certainties = site_probability(marginals, paths, sites, sums_types)
        return cls(probabilities, sp_types, paths, sites, certainties)


def decode(
    emissions: Tensor,
    marginals: Tensor,
    residue_mask: Tensor,
    crf: LinearChainCRF,
    within_type: bool,
    sums_types: bool | Tensor = False,
) -> Decoded:
    """Read types, paths and cleavage sites out of a CRF.

    Args:
        emissions: float, ``(B, L, C)``.
        marginals: float, ``(B, L, C)``, zero at padding.
        residue_mask: bool, ``(B, L)``, True at real residues.
        crf: Finds the paths.
        within_type: Confine the path to the most probable type's states.
        sums_types: Count every signal peptide as SP, see `sum_types`; the path is still one of the
            type that the model finds most probable. For all proteins, or bool, ``(B, 1)``.
    """
    of_types = type_probabilities(marginals, residue_mask)
    probabilities = called_probabilities(of_types, sums_types)
    sp_types = probabilities.argmax(dim=-1)
    allowed = states_of_call(of_types, sp_types) if within_type else None
    paths = crf.decode(emissions, residue_mask, allowed)
    return Decoded.of_paths(probabilities, sp_types, paths, marginals, sums_types)


def type_probabilities(marginals: Tensor, residue_mask: Tensor) -> Tensor:
    """Probability of each SP type: its states' marginals, averaged over residues.

    Args:
        marginals: float, ``(B, L, C)``, zero at padding.
        residue_mask: bool, ``(B, L)``, True at real residues.

    Returns:
        float, ``(B, K)``.
    """
    of_state = marginals.sum(dim=1) / residue_mask.sum(dim=1, keepdim=True)
    return _totals(of_state, TYPE_OF_STATE, len(SP_TYPES))


def states_of_call(of_types: Tensor, sp_types: Tensor) -> Tensor:
    """States of the most probable type of signal peptide, or of NO_SP where that is called.

    Where types are summed, SP is called for signal peptides of any type, and the block of SP need
    not hold any of their probability.

    Args:
        of_types: float, ``(B, K)``; of each type by itself.
        sp_types: int64, ``(B,)``; what is called.

    Returns:
        bool, ``(B, 1, C)``.
    """
    likeliest = of_types[:, NO_SP + 1 :].argmax(dim=-1) + NO_SP + 1
    block = torch.where(sp_types == NO_SP, NO_SP, likeliest)
    state_types = torch.tensor(TYPE_OF_STATE, device=of_types.device)
    return (state_types == block[:, None])[:, None]


def end_inside_probability(emissions: Tensor, residue_mask: Tensor, crf: LinearChainCRF) -> Tensor:
    """Probability that a sequence ends within its signal peptide, were paths allowed to.

    A whole protein never does, so no path may; a fragment can.

    Args:
        emissions: float, ``(B, L, C)``.
        residue_mask: bool, ``(B, L)``, True at real residues.
        crf: Scores the paths.

    Returns:
        float, ``(B,)``.
    """
    inside = _peptide_states(emissions.device)
    return (crf.last_marginals(emissions, residue_mask, inside) * inside).sum(dim=-1)


def called_probabilities(of_types: Tensor, sums_types: bool | Tensor) -> Tensor:
    """Probabilities of what can be called, with or without `sum_types`.

    Args:
        of_types: float, ``(B, K)``; of each type by itself.
        sums_types: See `decode`.
    """
    if isinstance(sums_types, Tensor):
        return torch.where(sums_types, sum_types(of_types), of_types)
    return sum_types(of_types) if sums_types else of_types


def sum_types(probabilities: Tensor) -> Tensor:
    """Add the probabilities of all signal peptides up to that of SP, the only one of eukaryotes.

    Args:
        probabilities: float, ``(B, K)``.

    >>> sum_types(torch.tensor([[0.25, 0.25, 0.25, 0.25, 0.0, 0.0]]))
    tensor([[0.2500, 0.7500, 0.0000, 0.0000, 0.0000, 0.0000]])
    """
    summed = torch.zeros_like(probabilities)
    summed[:, NO_SP] = probabilities[:, NO_SP]
    summed[:, SP_TYPES.index("SP")] = probabilities.sum(dim=1) - probabilities[:, NO_SP]
    return summed


def cleavage_sites(paths: Tensor) -> Tensor:
    """Cleavage sites of paths: residues up to and including the last in a final SP state.

    Any SP type's final state counts, see `peftsp.labels.LAST_SP_STATE_OF_TYPE`.

    Args:
        paths: int64, ``(B, L)``, states, -1 at padding.

    Returns:
        int64, ``(B,)``, -1 for a path without cleavage site.

    >>> cleavage_sites(torch.tensor([[3, 4, 5, 5, 8, 8], [2, 2, 2, 2, -1, -1]]))
    tensor([ 4, -1])
    """
    final_states = torch.tensor(list(LAST_SP_STATE_OF_TYPE.values()), device=paths.device)
    positions = torch.arange(1, paths.shape[1] + 1, device=paths.device)
    is_final = (paths.unsqueeze(-1) == final_states).any(dim=-1)
    return positions.where(is_final, -1).amax(1)


def site_probability(
    marginals: Tensor, paths: Tensor, sites: Tensor, sums_types: bool | Tensor = False
) -> Tensor:
    """Probability that a signal peptide of the path's type is cut just at a site.

    A path leaves its signal peptide's states once and never comes back, so the probability of being
    in them falls from one residue to the next by the probability of a cut in between.

    Args:
        marginals: float, ``(B, L, C)``, zero at padding.
        paths: int64, ``(B, L)``.
        sites: int64, ``(B,)``; residues before the cut, -1 for none.
        sums_types: Count signal peptides of every type; see `decode`.

    Returns:
        float, ``(B,)``; 0 where there is no site.
    """
    row = torch.arange(sites.shape[0], device=sites.device)
    last = sites.clamp(min=1) - 1
    state_types = torch.tensor(TYPE_OF_STATE, device=sites.device)
    is_peptide = _peptide_states(sites.device)
    site_types = state_types[paths[row, last].clamp(min=0)]
    of_type = is_peptide & (sums_types | (state_types == site_types[:, None]))
    padded = torch.nn.functional.pad(marginals, (0, 0, 0, 1))
    before = (padded[row, last] * of_type).sum(dim=-1)
    after = (padded[row, last + 1] * of_type).sum(dim=-1)
    return torch.where(sites > 0, (before - after).clamp(0, 1), 0)


def _peptide_states(device: torch.device) -> Tensor:
    flags = torch.zeros(len(STATES), dtype=torch.bool, device=device)
    flags[list(SIGNAL_PEPTIDE_STATES)] = True
    return flags


_SP_REGION_OF_STATE = tuple(
    PEPTIDE_REGIONS.index(f"SP_{REGION_OF_PART[part]}") if state in SIGNAL_PEPTIDE_STATES else 0
    for state, part in enumerate(PART_OF_STATE)
)


def region_probabilities(marginals: Tensor) -> Tensor:
    """Probability that a residue is part of a region, summed over SP types.

    Args:
        marginals: float, ``(B, L, C)``.

    Returns:
        float, ``(B, L, len(RESIDUE_REGIONS))``.
    """
    return _totals(marginals, RESIDUE_REGION_OF_STATE, len(RESIDUE_REGIONS))


def peptide_region_probabilities(marginals: Tensor, sums_types: bool | Tensor) -> Tensor:
    """Probability that a residue is part of a region of a type's signal peptide.

    Args:
        marginals: float, ``(B, L, C)``.
        sums_types: Count what is cut off, whatever its type, as a region of SP; see `decode`.

    Returns:
        float, ``(B, L, len(PEPTIDE_REGIONS))``; columns sum to one but for padding.
    """
    if isinstance(sums_types, Tensor):
        summed, single = (
            peptide_region_probabilities(marginals, choice) for choice in (True, False)
        )
        return torch.where(sums_types[..., None], summed, single)
    of_state = _SP_REGION_OF_STATE if sums_types else PEPTIDE_REGION_OF_STATE
    return _totals(marginals, of_state, len(PEPTIDE_REGIONS))


def _totals(of_states: Tensor, group_of_state: Sequence[int], groups: int) -> Tensor:
    """Sums over groups of states, float, ``(..., C)`` to float, ``(..., groups)``."""
    groups_of_states = torch.tensor(group_of_state, device=of_states.device)
    is_member = groups_of_states[:, None] == torch.arange(groups, device=of_states.device)
    return of_states @ is_member.to(of_states.dtype)
