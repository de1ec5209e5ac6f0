"""Likelihood, marginals and best path of a linear-chain CRF as pure functions, batched.

Notation as in Sutton & McCallum, "An Introduction to Conditional Random Fields" (2012), section 4.
Arguments shared by all functions:

- ``emissions``: float, ``(B, L, C)``; half precision is raised to float32, the results stay there.
- ``mask``: bool, ``(B, L)``, True at real residues, which come first and are at least one.
- ``scores``: `ChainScores`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.crf import exported
from peftsp.crf.forward_backward import forward_backward
from peftsp.crf.graph import FORBIDDEN, ChainScores


def log_partition(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Log-sum of the scores of all paths, float, ``(B,)``."""
    emissions, peak = _relative(emissions)
    return forward_backward(emissions, mask, scores)[0] + (peak * mask).sum(dim=1)


def log_likelihood(
    emissions: Tensor, mask: Tensor, allowed: Tensor, scores: ChainScores
) -> tuple[Tensor, Tensor]:
    """Log-probability that the path stays within the allowed states, and the marginals.

    Args:
        emissions: See the module.
        mask: See the module.
        allowed: bool, ``(B, L, C)``; the states that the target permits at each residue.
        scores: See the module.

    Returns:
        The log-likelihoods, float, ``(B,)``, at most 0 up to rounding, -inf where no path is
        allowed; and the `marginals` of all paths, float, ``(B, L, C)``.
    """
    emissions, _ = _relative(emissions)
    # Both sums share one pass of twice the batch.
    both = torch.cat([emissions, emissions.masked_fill(~allowed, FORBIDDEN)])
    totals, probabilities = forward_backward(both, mask.repeat(2, 1), scores)
    total, permitted = totals.chunk(2)
    is_possible = permitted > FORBIDDEN / 2
    likelihood = torch.where(is_possible, permitted - total, -torch.inf)
    return likelihood, probabilities[: len(emissions)]


def marginals(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Probability of each state at each residue.

    Returns:
        float, ``(B, L, C)``; real positions sum to one, padded ones are zero.
    """
    emissions, _ = _relative(emissions)
    if torch.compiler.is_exporting():
        return exported.marginals(emissions, mask, scores)
    return forward_backward(emissions, mask, scores)[1]


def last_marginals(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Probability of each state at the last real residue, float, ``(B, C)``."""
    emissions, _ = _relative(emissions)
    if torch.compiler.is_exporting():
        return exported.last_marginals(emissions, mask, scores)
    row = torch.arange(len(emissions), device=emissions.device)
    return forward_backward(emissions, mask, scores)[1][row, mask.sum(dim=1) - 1]


@torch.no_grad()
def viterbi(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """The path of the highest score; of equal ones that with the lower states.

    Returns:
        int64, ``(B, L)``; state indices, -1 at padded positions.
    """
    relative, _ = _relative(emissions)
    if torch.compiler.is_exporting():
        return exported.viterbi(relative, mask, scores)
    steps = relative.unbind(1)
    is_real = mask.unsqueeze(-1).unbind(1)
    stay = torch.arange(len(scores.start), device=emissions.device).expand_as(steps[0])
    sources = scores.graph.sources.expand(len(emissions), -1, -1)
    best = scores.start + steps[0]
    came_from = []
    for emission, real in zip(steps[1:], is_real[1:], strict=True):
        arrived, choice = (best[:, scores.graph.sources] + scores.incoming).max(dim=-1)
        previous = sources.gather(2, choice.unsqueeze(-1)).squeeze(-1)
        came_from.append(torch.where(real, previous, stay))
        best = torch.where(real, arrived + emission, best)
    state = (best + scores.end).argmax(dim=-1, keepdim=True)
    path = [state]
    for previous in reversed(came_from):
        path.append(previous.gather(1, path[-1]))
    return torch.cat(path[::-1], dim=1).masked_fill(~mask, -1)


def _relative(emissions: Tensor) -> tuple[Tensor, Tensor]:
    """Emissions less the largest of each residue, and that largest, ``(B, L)``.

    All paths change by the same amount, so no probability does, while sums over 70 large emissions
    would lose digits.
    """
    if emissions.dtype in (torch.float16, torch.bfloat16):
        emissions = emissions.float()
    peak = emissions.detach().amax(dim=-1, keepdim=True)
    return emissions - peak, peak.squeeze(-1)
