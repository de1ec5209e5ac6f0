"""The graph of CRF states and the scores on its edges, in the form the recursions use.

Few of the 37 × 37 transitions are allowed and no state has more than three predecessors, so the
recursions walk lists of neighbours instead of whole rows. A full table is the case in which every
state is every other state's neighbour.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

FORBIDDEN = -1e30
"""Score of what must not happen. Finite, so that no gradient is ever NaN; so low that its
exponential is exactly zero beside any real score, and that 70 of them still fit into float32."""


class StateGraph(NamedTuple):
    """Which states may follow which, as padded neighbour lists.

    Attributes:
        sources: int64, ``(C, N)``; ``sources[j]`` are the states that may come before state ``j``,
            in ascending order, padded with 0.
        is_source: bool, ``(C, N)``; False at the padding.
        targets: int64, ``(C, N)``; ``targets[i]`` are the states that may come after state ``i``.
        is_target: bool, ``(C, N)``; False at the padding.
    """

    sources: Tensor
    is_source: Tensor
    targets: Tensor
    is_target: Tensor

    @classmethod
    def from_allowed(cls, allowed: Tensor) -> StateGraph:
        """Build the lists from a table.

        Args:
            allowed: bool, ``(C, C)``; ``allowed[i, j]`` says whether ``j`` may follow ``i``.

        >>> graph = StateGraph.from_allowed(torch.tensor([[True, True], [False, True]]))
        >>> graph.sources.tolist(), graph.is_source.tolist()
        ([[0, 0], [0, 1]], [[True, False], [True, True]])
        """
        most = max(int(allowed.sum(dim=side).max()) for side in (0, 1))
        sources, is_source = _neighbours(allowed.T, max(most, 1))
        targets, is_target = _neighbours(allowed, max(most, 1))
        return cls(sources, is_source, targets, is_target)


class ChainScores(NamedTuple):
    """Scores of starts, steps and ends; `FORBIDDEN` where there is no edge.

    Attributes:
        start: float, ``(C,)``.
        end: float, ``(C,)``.
        incoming: float, ``(C, N)``, along ``graph.sources``.
        outgoing: float, ``(C, N)``, along ``graph.targets``.
        graph: The neighbour lists.
    """

    start: Tensor
    end: Tensor
    incoming: Tensor
    outgoing: Tensor
    graph: StateGraph

    @classmethod
    def from_tables(
        cls, transitions: Tensor, start: Tensor, end: Tensor, graph: StateGraph
    ) -> ChainScores:
        """Read the scores of a graph's edges out of a full table.

        Args:
            transitions: float, ``(C, C)``; ``[i, j]`` scores ``i`` followed by ``j``.
            start: float, ``(C,)``.
            end: float, ``(C,)``.
            graph: The edges to keep; every other entry of ``transitions`` is ignored.
        """
        states = torch.arange(len(start), device=start.device)[:, None]
        incoming = transitions[graph.sources, states].masked_fill(~graph.is_source, FORBIDDEN)
        outgoing = transitions[states, graph.targets].masked_fill(~graph.is_target, FORBIDDEN)
        return cls(start, end, incoming, outgoing, graph)

    def to(self, device: torch.device) -> ChainScores:
        """The same on a device."""
        start, end, incoming, outgoing = (tensor.to(device) for tensor in self[:4])
        graph = StateGraph(*(tensor.to(device) for tensor in self.graph))
        return ChainScores(start, end, incoming, outgoing, graph)


def _neighbours(allowed: Tensor, width: int) -> tuple[Tensor, Tensor]:
    # Stable sort puts the allowed columns first, in ascending order.
    order = torch.argsort((~allowed).to(torch.uint8), dim=1, stable=True)[:, :width]
    is_neighbour = allowed.gather(1, order)
    return order.masked_fill(~is_neighbour, 0), is_neighbour
