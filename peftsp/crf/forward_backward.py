"""The forward-backward algorithm with its own gradients.

Autograd would have to run back through both recursions, at several times their cost. But the
gradient of the log-partition is the marginals (Sutton & McCallum 2012, section 4), and the Hessian
being symmetric, that of the marginals is how these change when emissions move along the incoming
gradient: two linear recursions.

Inside, tensors are ``(L, C, B)``, so that a state's neighbours are rows that lie together.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from peftsp.crf.graph import ChainScores, StateGraph


def forward_backward(emissions: Tensor, mask: Tensor, scores: ChainScores) -> tuple[Tensor, Tensor]:
    """Log-sum of the scores of all paths, and the probability of each state at each residue.

    Args:
        emissions: float32 or float64, ``(B, L, C)``.
        mask: bool, ``(B, L)``, True at real residues, which come first and are at least one.
        scores: Of starts, steps and ends.

    Returns:
        float, ``(B,)``, and float, ``(B, L, C)``: real positions sum to one, padded ones are zero.
        Both have first derivatives with respect to emissions, starts, ends and incoming edges;
        outgoing edges are the same numbers again and get none.
    """
    start, end, incoming, outgoing, graph = scores
    total, marginals = _ForwardBackward.apply(  # type: ignore[no-untyped-call]
        *(emissions, start, end, incoming), outgoing.detach(), mask, graph
    )
    return total, marginals


class _ForwardBackward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        end: Tensor,
        incoming: Tensor,
        outgoing: Tensor,
        mask: Tensor,
        graph: StateGraph,
    ) -> tuple[Tensor, Tensor]:
        steps, is_real = emissions.permute(1, 2, 0).contiguous(), mask.T.unsqueeze(1)
        start, end = start[:, None], end[:, None]
        incoming, outgoing = incoming.T[..., None], outgoing.T[..., None]
        alpha = _forward_scores(steps, is_real, start, graph.sources.T, incoming)
        beta = _backward_scores(steps, is_real, end, graph.targets.T, outgoing)
        # The log-sum over states is the log-partition at every position: softmax divides by it
        # without cancelling two large numbers.
        marginals = torch.softmax(alpha + beta, dim=1) * is_real
        total = torch.logsumexp(alpha[-1] + end, dim=0)
        ctx.graph = graph
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(steps, is_real, alpha, beta, marginals, end, incoming, outgoing)
        return total, marginals.permute(2, 0, 1)

    @staticmethod
    def backward(
        ctx: Any, of_total: Tensor | None, of_marginals: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        steps, is_real, alpha, beta, marginals, end, incoming, outgoing = ctx.saved_tensors
        sources, targets = ctx.graph.sources.T, ctx.graph.targets.T
        # Of the state before a step given the one after it, (L - 1, N, C, B), and of the last one.
        arrivals = torch.softmax(_neighbours(alpha[:-1], sources) + incoming, dim=1)
        last = torch.softmax(alpha[-1] + end, dim=0)
        common = torch.zeros_like(last[0]) if of_total is None else of_total
        moves = ahead = behind = torch.zeros_like(steps)
        if of_marginals is not None:
            moves = of_marginals.permute(1, 2, 0) * is_real
            departures = torch.softmax(_neighbours((beta + steps)[1:], targets) + outgoing, dim=1)
            behind = _forward_moves(moves, is_real, arrivals, sources)
            ahead = _backward_moves(moves, is_real, departures, targets)
            common = common - (last * behind[-1]).sum(dim=0)
        of_steps = marginals * (common + behind + ahead)
        of_end = last * (common + behind[-1])
        through = (common + moves + ahead)[1:].unsqueeze(1) + _neighbours(behind[:-1], sources)
        of_incoming = marginals[1:].unsqueeze(1) * arrivals * through
        return (
            of_steps.permute(2, 0, 1),
            of_steps[0].sum(dim=1),
            of_end.sum(dim=1),
            of_incoming.sum(dim=(0, 3)).T,
            *(None, None, None),
        )


def _forward_scores(
    steps: Tensor, is_real: Tensor, start: Tensor, sources: Tensor, incoming: Tensor
) -> Tensor:
    """Log-sum of all path beginnings that end in a state, its emission included, ``(L, C, B)``.

    Padded positions repeat the last real one.
    """
    alpha = torch.empty_like(steps)
    alpha[0] = start + steps[0]
    for position in range(1, len(steps)):
        before = alpha[position - 1]
        arrived = _log_sum(_neighbours(before, sources) + incoming) + steps[position]
        alpha[position] = torch.where(is_real[position], arrived, before)
    return alpha


def _backward_scores(
    steps: Tensor, is_real: Tensor, end: Tensor, targets: Tensor, outgoing: Tensor
) -> Tensor:
    """Log-sum of all path ends that follow a state, its emission left out, ``(L, C, B)``.

    Padded positions and the last real one hold the end scores.
    """
    beta = torch.empty_like(steps)
    beta[-1] = end
    for position in range(len(steps) - 2, -1, -1):
        ahead = _neighbours(beta[position + 1] + steps[position + 1], targets) + outgoing
        beta[position] = torch.where(is_real[position + 1], _log_sum(ahead), end)
    return beta


def _neighbours(values: Tensor, places: Tensor) -> Tensor:
    """Rows of neighbours: float ``(..., C, B)`` and places ``(N, C)`` to ``(..., N, C, B)``."""
    rows = values.index_select(-2, places.flatten())
    return rows.view(*values.shape[:-2], *places.shape, values.shape[-1])


def _log_sum(scores: Tensor) -> Tensor:
    """Log-sum over neighbours: float ``(N, C, B)`` to float ``(C, B)``."""
    # The largest less its log-probability: PyTorch's own function is slower.
    return scores.amax(dim=0) - torch.log_softmax(scores, dim=0).amax(dim=0)


def _forward_moves(moves: Tensor, is_real: Tensor, arrivals: Tensor, sources: Tensor) -> Tensor:
    """How the forward scores move with the emissions, ``(L, C, B)``."""
    found = moves.clone()
    for position in range(1, len(moves)):
        before = found[position - 1]
        carried = (arrivals[position - 1] * _neighbours(before, sources)).sum(dim=0)
        found[position] = torch.where(is_real[position], moves[position] + carried, before)
    return found


def _backward_moves(moves: Tensor, is_real: Tensor, departures: Tensor, targets: Tensor) -> Tensor:
    """How the backward scores move with the emissions, ``(L, C, B)``."""
    found = torch.zeros_like(moves)
    for position in range(len(moves) - 2, -1, -1):
        ahead = found[position + 1] + moves[position + 1]
        carried = (departures[position] * _neighbours(ahead, targets)).sum(dim=0)
        found[position] = carried * is_real[position + 1]
    return found
