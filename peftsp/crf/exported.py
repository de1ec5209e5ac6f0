"""The recursions in a graph that is exported: one node each, which `peftsp.export` writes out.

Probabilities are multiplied and not added as logarithms, so that a step is one product of matrices.
Float64 holds 700 natural units between the states of a residue.
"""

from __future__ import annotations

import torch
from torch import Tensor

from peftsp.crf.graph import ChainScores

_library = torch.library.Library("peftsp_crf", "DEF")  # type: ignore[no-untyped-call]
_library.define("walk(Tensor weights, Tensor entries, Tensor steps) -> Tensor")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "best_path(Tensor emissions, Tensor mask, Tensor start, Tensor end, Tensor sources, "
    "Tensor incoming) -> Tensor"
)


@torch.library.register_fake("peftsp_crf::walk", lib=_library)  # type: ignore[untyped-decorator]
def _walk_shape(weights: Tensor, entries: Tensor, steps: Tensor) -> Tensor:  # noqa: ARG001
    return torch.empty_like(weights)


@torch.library.register_fake("peftsp_crf::best_path", lib=_library)  # type: ignore[untyped-decorator]
def _path_shape(emissions: Tensor, mask: Tensor, *_: Tensor) -> Tensor:  # noqa: ARG001
    return torch.empty_like(mask, dtype=torch.int64)


def marginals(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """As `peftsp.crf.functional.marginals`, from emissions less the largest of each residue."""
    weights, steps = _weights(emissions, mask), _step_weights(scores)
    ends = (_is_last(mask) * scores.end.double().exp()).flip(1)
    ahead, behind = _walk(
        torch.stack([weights, weights.flip(1)]),
        torch.stack([_starts(weights, scores), ends]),
        torch.stack([steps, steps.T]),
    )
    return _shares(ahead * weights * behind.flip(1))


def last_marginals(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """As `peftsp.crf.functional.last_marginals`, from the same emissions as `marginals`."""
    weights, steps = _weights(emissions, mask), _step_weights(scores)
    (ahead,) = _walk(weights[None], _starts(weights, scores)[None], steps[None])
    at_last = (ahead * weights * _is_last(mask)).sum(dim=1)
    return _shares(at_last * scores.end.double().exp())


def viterbi(emissions: Tensor, mask: Tensor, scores: ChainScores) -> Tensor:
    """As `peftsp.crf.functional.viterbi`, from the same emissions as `marginals`."""
    start, end, incoming, _, graph = scores
    path: Tensor = torch.ops.peftsp_crf.best_path(
        emissions.transpose(0, 1), mask.T, start, end, graph.sources, incoming
    )
    return path.T.masked_fill(~mask, -1)


def _walk(weights: Tensor, entries: Tensor, steps: Tensor) -> Tensor:
    """Sums over all ways to each state.

    Args:
        weights: float64, ``(W, B, L, C)``; of each state at each residue, for W walks.
        entries: float64, as ``weights``; of ways that begin here.
        steps: float64, ``(W, C, C)``; of each step, from row to column.

    Returns:
        float64, ``(W, B, L, C)``; without the weight of the residue itself, and up to a factor for
        each residue.
    """
    # Residues first, where each is one piece of memory.
    weights, entries = (tensor.permute(2, 0, 1, 3) for tensor in (weights, entries))
    found: Tensor = torch.ops.peftsp_crf.walk(weights, entries, steps)
    return found.permute(1, 2, 0, 3)


def _weights(emissions: Tensor, mask: Tensor) -> Tensor:
    return emissions.double().exp() * mask.unsqueeze(-1)


def _starts(weights: Tensor, scores: ChainScores) -> Tensor:
    is_first = torch.arange(weights.shape[1]) == 0
    return (is_first[:, None] * scores.start.double().exp()).expand_as(weights)


def _step_weights(scores: ChainScores) -> Tensor:
    """Weights of steps, float64, ``(C, C)``, from row to column."""
    states = len(scores.start)
    table = torch.zeros(states, states, dtype=torch.float64)
    return table.scatter_add(0, scores.graph.sources.T, scores.incoming.double().exp().T)


def _is_last(mask: Tensor) -> Tensor:
    follows = torch.nn.functional.pad(mask[:, 1:], (0, 1), value=False)
    return (mask & ~follows).unsqueeze(-1)


def _shares(weights: Tensor) -> Tensor:
    total = weights.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, weights / total, 0.0).float()
