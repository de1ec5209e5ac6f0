"""The recursions of a linear-chain CRF as pure functions, batched, in the log semiring.

Notation as in Sutton & McCallum, "An Introduction to Conditional Random Fields" (2012), section 4.
Arguments shared by all functions:

- ``emissions``: float, ``(B, L, C)``; half precision is raised to float32, the results stay there.
- ``mask``: bool, ``(B, L)``, True at real residues, which come first and are at least one.
- ``scores``: `ChainScores`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.crf.graph import FORBIDDEN, ChainScores


def forward_scores(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Log-sum of all path beginnings that end in a state (alpha).

    Returns:
        float, ``(B, L, C)``; the emission of the position itself is included. Padded positions
        repeat the last real one.
    """
    steps = emissions.unbind(1)
    is_real = mask.unsqueeze(-1).unbind(1)
    alpha = [scores.start + steps[0]]
    for emission, real in zip(steps[1:], is_real[1:], strict=True):
        arrived = torch.logsumexp(alpha[-1][:, scores.graph.sources] + scores.incoming, dim=-1)
        alpha.append(torch.where(real, arrived + emission, alpha[-1]))
    return torch.stack(alpha, dim=1)


def backward_scores(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Log-sum of all path ends that follow a state (beta).

    Returns:
        float, ``(B, L, C)``; the emission of the position itself is not included. Padded positions
        and the last real one hold the end scores.
    """
    steps = emissions.unbind(1)
    is_real = mask.unsqueeze(-1).unbind(1)
    end = scores.end.expand_as(steps[0])
    beta = [end]
    for emission, real in zip(reversed(steps[1:]), reversed(is_real[1:]), strict=True):
        ahead = (beta[-1] + emission)[:, scores.graph.targets] + scores.outgoing
        beta.append(torch.where(real, torch.logsumexp(ahead, dim=-1), end))
    return torch.stack(beta[::-1], dim=1)


def log_partition(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """Log-sum of the scores of all paths, float, ``(B,)``."""
    emissions, peak = _relative(emissions)
    alpha = forward_scores(emissions, mask, scores)
    return _total(alpha, scores) + (peak * mask).sum(dim=1)


def log_likelihood(
    emissions: Tensor, mask: Tensor, allowed: Tensor, scores: ChainScores
) -> tuple[Tensor, Tensor]:
    """Log-probability that the path stays within the allowed states, and alpha.

    Args:
        emissions: See the module.
        mask: See the module.
        allowed: bool, ``(B, L, C)``; the states that the target permits at each residue.
        scores: See the module.

    Returns:
        The log-likelihoods, float, ``(B,)``, at most 0 up to rounding, -inf where no path is
        allowed; and the forward scores of all paths, float, ``(B, L, C)``.
    """
    emissions, _ = _relative(emissions)
    # Both sums share one recursion of twice the batch.
    both = torch.cat([emissions, emissions.masked_fill(~allowed, FORBIDDEN)])
    alpha = forward_scores(both, mask.repeat(2, 1), scores)
    total, permitted = _total(alpha, scores).chunk(2)
    is_possible = permitted > FORBIDDEN / 2
    likelihood = torch.where(is_possible, permitted - total, -torch.inf)
    return likelihood, alpha[: len(emissions)]


def marginals(
    emissions: Tensor, mask: Tensor, scores: ChainScores, alpha: Tensor | None = None
) -> Tensor:
    """Probability of each state at each residue.

    Args:
        emissions: See the module.
        mask: See the module.
        scores: See the module.
        alpha: The forward scores, if they are known already (up to a constant a position).

    Returns:
        float, ``(B, L, C)``; real positions sum to one, padded ones are zero.
    """
    emissions, _ = _relative(emissions)
    if alpha is None:
        alpha = forward_scores(emissions, mask, scores)
    beta = backward_scores(emissions, mask, scores)
    # The log-sum over states is log Z at every position: softmax divides by it without cancelling
    # two large numbers.
    return torch.softmax(alpha + beta, dim=-1) * mask.unsqueeze(-1)


@torch.no_grad()
def viterbi(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """The path of the highest score; of equal ones that with the lower states.

    Returns:
        int64, ``(B, L)``; state indices, -1 at padded positions.
    """
    steps = _relative(emissions)[0].unbind(1)
    is_real = mask.unsqueeze(-1).unbind(1)
    stay = torch.arange(len(scores.start), device=emissions.device).expand_as(steps[0])
    sources = scores.graph.sources.expand(len(emissions), -1, -1)
    best = scores.start + steps[0]
    came_from = []
    for emission, real in zip(steps[1:], is_real[1:], strict=True):
        arrived, choice = (best[:, scores.graph.sources] + scores.incoming).max(dim=-1)
        source = sources.gather(2, choice.unsqueeze(-1)).squeeze(-1)
        came_from.append(torch.where(real, source, stay))
        best = torch.where(real, arrived + emission, best)
    state = (best + scores.end).argmax(dim=-1, keepdim=True)
    path = [state]
    for source in reversed(came_from):
        path.append(source.gather(1, path[-1]))
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


def _total(alpha: Tensor, scores: ChainScores) -> Tensor:
    return torch.logsumexp(alpha[:, -1] + scores.end, dim=-1)
