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
        edges = incoming.T[..., None], outgoing.T[..., None]
        alpha, beta = _scores(steps, is_real, (start[:, None], end[:, None]), edges, graph)
        # The log-sum over states is the log-partition at every position: softmax divides by it
        # without cancelling two large numbers.
        marginals = torch.softmax(alpha + beta, dim=1) * is_real
        total = torch.logsumexp(alpha[0] + beta[0], dim=0)
        ctx.graph = graph
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(steps, is_real, alpha, beta, marginals, *edges)
        return total, marginals.permute(2, 0, 1)

    @staticmethod
    def backward(
        ctx: Any, of_total: Tensor | None, of_marginals: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        steps, is_real, alpha, beta, marginals, incoming, outgoing = ctx.saved_tensors
        graph = ctx.graph
        # Of the state before a step given the one after it, (L - 1, N, C, B), and of the last one.
        arrivals = torch.softmax(_neighbours(alpha[:-1], graph.sources) + incoming, dim=1)
        last = _at_last(marginals, is_real)
        common = torch.zeros_like(last[0]) if of_total is None else of_total
        moves = ahead = behind = torch.zeros_like(steps)
        if of_marginals is not None:
            moves = of_marginals.permute(1, 2, 0) * is_real
            after = _neighbours((beta + steps)[1:], graph.targets) + outgoing
            behind, ahead = _moves(moves, is_real, arrivals, torch.softmax(after, dim=1), graph)
            common = common - (last * _at_last(behind, is_real)).sum(dim=0)
        of_steps = marginals * (common + behind + ahead)
        of_end = last * (common + _at_last(behind, is_real))
        through = (common + moves + ahead)[1:].unsqueeze(1)
        through = through + _neighbours(behind[:-1], graph.sources)
        of_incoming = marginals[1:].unsqueeze(1) * arrivals * through
        return (
            of_steps.permute(2, 0, 1),
            of_steps[0].sum(dim=1),
            of_end.sum(dim=1),
            of_incoming.sum(dim=(0, 3)).T,
            *(None, None, None),
        )


def _scores(
    steps: Tensor,
    is_real: Tensor,
    ends: tuple[Tensor, Tensor],
    edges: tuple[Tensor, Tensor],
    graph: StateGraph,
) -> tuple[Tensor, Tensor]:
    """Forward and backward scores, each ``(L, C, B)``.

    The forward score is the log-sum of all path beginnings that end in a state, its emission
    included; the backward score that of all path ends that follow it, its emission left out.
    Forward scores of padded positions mean nothing; there and at the last real one backward scores
    are those of ends.
    """
    emitted, is_real = _both_ways(steps, steps), _is_followed(is_real, len(graph.sources))
    without, scores = torch.empty_like(emitted), torch.empty_like(emitted)
    without[0] = torch.cat(ends)
    scores[0] = without[0] + emitted[0]
    places, edge_scores = _places(graph), torch.cat(edges, dim=1)
    unreached = torch.cat([torch.zeros_like(ends[0]), ends[1]])
    walk = zip(scores[:-1], is_real, without[1:], emitted[1:], scores[1:], strict=True)
    for before, real, arrived, emission, found in walk:
        reached = _log_sum(_gather(before, places).add_(edge_scores))
        torch.where(real, reached, unreached, out=arrived)
        torch.add(arrived, emission, out=found)
    return scores.chunk(2, dim=1)[0], without.chunk(2, dim=1)[1].flip(0)


def _moves(
    moves: Tensor, is_real: Tensor, arrivals: Tensor, departures: Tensor, graph: StateGraph
) -> tuple[Tensor, Tensor]:
    """How forward and backward scores move with the emissions, each ``(L, C, B)``."""
    emitted = _both_ways(moves, moves)
    weights = torch.cat([arrivals, departures.flip(0)], dim=2)
    weights *= _is_followed(is_real, len(graph.sources)).unsqueeze(1)
    without, found = torch.zeros_like(emitted), emitted.clone()
    places = _places(graph)
    walk = zip(found[:-1], weights, without[1:], emitted[1:], found[1:], strict=True)
    for before, weight, carried, emission, moved in walk:
        torch.sum(_gather(before, places).mul_(weight), dim=0, out=carried)
        torch.add(carried, emission, out=moved)
    return found.chunk(2, dim=1)[0], without.chunk(2, dim=1)[1].flip(0)


def _both_ways(forward: Tensor, backward: Tensor) -> Tensor:
    """What a walk from the first residue on meets, and one from the last one on, ``(L, 2 · C, B)``.

    Both take their steps together: at this size an operation costs about the same for one and two.
    """
    return torch.cat([forward, backward.flip(0)], dim=1)


def _is_followed(is_real: Tensor, states: int) -> Tensor:
    """Whether a step of both walks is to or from a real residue, ``(L - 1, 2 · C, B)``."""
    wide = is_real[1:].expand(-1, states, -1)
    return _both_ways(wide, wide)


def _places(graph: StateGraph) -> Tensor:
    """Where neighbours stand among the states of both walks, int64, ``(N · 2 · C,)``."""
    return torch.cat([graph.sources, graph.targets + len(graph.targets)]).T.flatten()


def _gather(values: Tensor, places: Tensor) -> Tensor:
    """Rows of neighbours in both walks: float ``(2 · C, B)`` to ``(N, 2 · C, B)``."""
    return values.index_select(0, places).view(-1, *values.shape)


def _neighbours(values: Tensor, places: Tensor) -> Tensor:
    """Rows of neighbours: float ``(L, C, B)`` and places ``(C, N)`` to ``(L, N, C, B)``."""
    rows = values.index_select(1, places.T.flatten())
    return rows.view(len(values), *places.T.shape, values.shape[-1])


def _at_last(values: Tensor, is_real: Tensor) -> Tensor:
    """Values at the last real residue: float ``(L, C, B)`` to ``(C, B)``."""
    place = is_real.sum(dim=0, keepdim=True) - 1
    return values.gather(0, place.expand(1, *values.shape[1:])).squeeze(0)


def _log_sum(scores: Tensor) -> Tensor:
    """Log-sum over neighbours: float ``(N, C, B)`` to float ``(C, B)``."""
    # The largest less its log-probability: PyTorch's own function is slower.
    return scores.amax(dim=0) - torch.log_softmax(scores, dim=0).amax(dim=0)
