"""Neighbour lists of states and the scores along them, against whole tables."""

import pytest
import torch

from peftsp.crf.constraints import constraint_table
from peftsp.crf.graph import FORBIDDEN, ChainScores, StateGraph


def random_table(seed, share):
    return torch.rand(7, 7, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_neighbours_are_the_columns_and_rows_of_the_table(share):
    for seed in range(5):
        allowed = random_table(seed, share)
        graph = StateGraph.from_allowed(allowed)
        widest = int(max(allowed.sum(dim=0).max(), allowed.sum(dim=1).max()))
        assert {tuple(part.shape) for part in graph} == {(7, widest)}
        for state in range(7):
            sources = graph.sources[state][graph.is_source[state]].tolist()
            targets = graph.targets[state][graph.is_target[state]].tolist()
            assert sources == [i for i in range(7) if allowed[i, state]]
            assert targets == [j for j in range(7) if allowed[state, j]]
        assert not graph.sources[~graph.is_source].any()
        assert not graph.targets[~graph.is_target].any()


def test_states_without_any_step_have_no_neighbours():
    graph = StateGraph.from_allowed(torch.zeros(3, 3, dtype=torch.bool))
    assert graph.sources.shape == (3, 1)
    assert not graph.is_source.any()
    assert not graph.is_target.any()


def test_lists_of_signal_peptides_are_short():
    graph = StateGraph.from_allowed(constraint_table("peftsp").transitions)
    assert graph.is_source.sum() == graph.is_target.sum() == 80
    assert graph.is_source.sum(dim=1).max() == 3


def test_scores_are_those_of_the_table_where_there_is_an_edge():
    allowed = random_table(0, 0.4)
    transitions = torch.arange(49.0).view(7, 7)
    ends = torch.randn(2, 7)
    scores = ChainScores.from_tables(transitions, *ends, StateGraph.from_allowed(allowed))
    incoming, outgoing = (torch.full((7, 7), FORBIDDEN) for _ in range(2))
    graph = scores.graph
    for state in range(7):
        for place in range(graph.sources.shape[1]):
            if graph.is_source[state, place]:
                incoming[graph.sources[state, place], state] = scores.incoming[state, place]
            else:
                assert scores.incoming[state, place] == FORBIDDEN
            if graph.is_target[state, place]:
                outgoing[state, graph.targets[state, place]] = scores.outgoing[state, place]
            else:
                assert scores.outgoing[state, place] == FORBIDDEN
    expected = transitions.masked_fill(~allowed, FORBIDDEN)
    assert torch.equal(incoming, expected)
    assert torch.equal(outgoing, expected)
    assert torch.equal(torch.stack([scores.start, scores.end]), ends)


def test_gradients_of_edges_reach_the_table():
    transitions = torch.zeros(2, 2, requires_grad=True)
    graph = StateGraph.from_allowed(torch.tensor([[True, True], [False, True]]))
    scores = ChainScores.from_tables(transitions, torch.zeros(2), torch.zeros(2), graph)
    scores.incoming.sum().backward()
    assert transitions.grad.tolist() == [[1, 1], [0, 1]]


def test_forbidden_vanishes_beside_any_score_and_adds_up_in_float32():
    path = torch.full((70,), FORBIDDEN, dtype=torch.float32)
    assert path.sum().isfinite()
    for score in (-1e6, 0.0, 1e6):
        assert torch.logsumexp(torch.tensor([FORBIDDEN, score]), dim=0) == score


def test_whole_chain_moves_to_a_device():
    graph = StateGraph.from_allowed(random_table(0, 0.4))
    scores = ChainScores.from_tables(torch.zeros(7, 7), torch.zeros(7), torch.zeros(7), graph)
    moved = scores.to(torch.device("meta"))
    assert {part.device.type for part in (*moved[:4], *moved.graph)} == {"meta"}
    assert [part.shape for part in moved.graph] == [part.shape for part in graph]
