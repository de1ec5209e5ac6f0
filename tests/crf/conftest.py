"""Sums over every path, and small chains of which there are few enough."""

import itertools

import pytest
import torch

from peftsp.crf.graph import ChainScores, StateGraph


class Enumeration:
    """Every possible path over one sequence with its score.

    Args:
        transitions: float, ``(C, C)``; minus infinity where a step is impossible.
        start: float, ``(C,)``; the same.
        end: float, ``(C,)``; the same.
        emissions: float, ``(L, C)``.
    """

    def __init__(self, transitions, start, end, emissions):
        length, self.states = emissions.shape
        self.positions = torch.arange(length)
        paths = torch.tensor(list(itertools.product(range(self.states), repeat=length)))
        scores = start[paths[:, 0]] + emissions[self.positions, paths].sum(dim=1)
        scores = scores + transitions[paths[:, :-1], paths[:, 1:]].sum(dim=1) + end[paths[:, -1]]
        is_possible = scores > -torch.inf
        self.paths, self.scores = paths[is_possible], scores[is_possible]

    def log_partition(self):
        return self.scores.logsumexp(0)

    def log_likelihood(self, allowed):
        is_inside = allowed[self.positions, self.paths].all(dim=1)
        return self.scores[is_inside].logsumexp(0) - self.log_partition()

    def marginals(self):
        visits = torch.nn.functional.one_hot(self.paths, self.states)
        return (self.scores.softmax(0)[:, None, None] * visits).sum(dim=0)

    def best(self):
        """Of the best paths that with the lowest last state, then the lowest before it, …"""
        best = self.paths[self.scores == self.scores.max()].tolist()
        return min(best, key=lambda path: path[::-1])


@pytest.fixture(scope="session")
def enumerate_paths():
    """The class `Enumeration`."""
    return Enumeration


class Chain:
    """Random scores over four states, of which not every one may follow, begin or end."""

    def __init__(self, seed, size=1.0):
        self.generator = torch.Generator().manual_seed(seed)
        transitions, start, end = (size * self.draw(*shape) for shape in ((4, 4), (4,), (4,)))
        allowed = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1]]).bool()
        can_begin, can_end = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 1]]).bool()
        self.tables = (
            transitions.masked_fill(~allowed, -torch.inf),
            start.masked_fill(~can_begin, -torch.inf),
            end.masked_fill(~can_end, -torch.inf),
        )
        graph = StateGraph.from_allowed(allowed)
        finite = (table.clamp(min=-1e30) for table in self.tables)
        self.scores = ChainScores.from_tables(*finite, graph)

    def draw(self, *shape):
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)


@pytest.fixture(scope="session")
def make_chain():
    """Function of a seed and the size of scores that gives a `Chain`.

    Its ``tables`` are to enumerate, its ``scores`` to compute with.
    """
    return Chain
