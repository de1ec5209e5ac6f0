"""What the nodes of a graph are given, so that they compute sums over every path."""

import pytest
import torch

from peftsp.crf import exported, functional

LENGTHS = (5, 1, 3)
MASK = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def walk(weights, entries, steps):
    """The node ``walk`` as it is defined, with nothing taken out on the way."""
    found = [entries[0]]
    for weight, entry in zip(weights[:-1], entries[1:], strict=True):
        found.append((found[-1] * weight) @ steps + entry)
    return torch.stack(found)


@pytest.fixture
def best_path(enumerate_paths):
    """The node ``best_path``, by enumeration."""

    def node(emissions, mask, start, end, sources, incoming):
        transitions = torch.full((4, 4), -torch.inf, dtype=torch.float64)
        for state, before in enumerate(sources.tolist()):
            for source, score in zip(before, incoming[state].tolist(), strict=True):
                transitions[source, state] = max(transitions[source, state], score)
        path = torch.zeros_like(mask, dtype=torch.int64)
        for row, length in enumerate(mask.sum(dim=0)):
            every = enumerate_paths(transitions, start, end, emissions[:length, row])
            path[:length, row] = torch.tensor(every.best())
        return path

    return node


@pytest.fixture
def _nodes_compute(best_path):
    with torch.library._scoped_library("peftsp_crf", "IMPL") as library:
        library.impl("walk", walk, "CPU")
        library.impl("best_path", best_path, "CPU")
        yield


def relative(emissions):
    return emissions - emissions.amax(dim=-1, keepdim=True)


@pytest.mark.usefixtures("_nodes_compute")
@pytest.mark.parametrize("spread", [1.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_nodes_give_sums_over_every_path(make_chain, enumerate_paths, seed, spread):
    chain = make_chain(seed)
    emissions = spread * chain.draw(*MASK.shape, 4)
    given = relative(emissions), MASK, chain.scores
    marginals, last = exported.marginals(*given), exported.last_marginals(*given)
    for row, length in enumerate(LENGTHS):
        expected = enumerate_paths(*chain.tables, emissions[row, :length]).marginals().float()
        torch.testing.assert_close(marginals[row, :length], expected, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(last[row], expected[-1], rtol=1e-5, atol=1e-7)
    assert not marginals[~MASK].any()
    assert torch.equal(exported.viterbi(*given), functional.viterbi(emissions, *given[1:]))


@pytest.mark.usefixtures("_nodes_compute")
def test_sequence_without_a_path_has_no_probabilities_and_no_nan(make_chain):
    chain = make_chain(0)
    nowhere = chain.scores._replace(start=torch.full((4,), -1e30))
    emissions = relative(chain.draw(*MASK.shape, 4))
    assert not exported.marginals(emissions, MASK, nowhere).any()
    assert not exported.last_marginals(emissions, MASK, nowhere).any()


def test_shapes_of_what_the_nodes_give_are_known_without_computing():
    weights = torch.empty(70, 2, 3, 4, dtype=torch.float64, device="meta")
    walked = torch.ops.peftsp_crf.walk(weights, weights, weights[0])
    assert (walked.shape, walked.dtype) == (weights.shape, torch.float64)
    mask = torch.empty(70, 3, dtype=torch.bool, device="meta")
    state = weights[0, 0, 0]
    path = torch.ops.peftsp_crf.best_path(weights[:, 0], mask, *[state] * 4)
    assert (path.shape, path.dtype) == (mask.shape, torch.int64)
