"""The gradients that forward-backward gives by itself, against numerical ones."""

import pytest
import torch

from peftsp.crf.forward_backward import forward_backward
from peftsp.crf.graph import ChainScores, StateGraph

STATES = 6
LENGTHS = (5, 1, 3)


def generator():
    return torch.Generator().manual_seed(0)


def allowed_steps(share):
    allowed = torch.rand(STATES, STATES, generator=generator()) < share
    return allowed | torch.eye(STATES, dtype=torch.bool)


def run(allowed, emissions, transitions, start, end, lengths=LENGTHS):
    mask = torch.arange(emissions.shape[1]) < torch.tensor(lengths)[:, None]
    graph = StateGraph.from_allowed(allowed)
    return forward_backward(
        emissions, mask, ChainScores.from_tables(transitions, start, end, graph)
    )


@pytest.mark.parametrize("share", [0.2, 1.0])
@pytest.mark.parametrize("output", ["log_partition", "marginals", "both"])
@pytest.mark.parametrize("lengths", [LENGTHS, (1, 1)], ids=["several", "one residue each"])
def test_gradients_are_the_numerical_ones(output, share, lengths):
    allowed = allowed_steps(share)
    draws = torch.Generator().manual_seed(1)
    shapes = (len(lengths), max(lengths), STATES), (STATES, STATES), (STATES,), (STATES,)
    inputs = [
        torch.randn(shape, generator=draws, dtype=torch.float64).requires_grad_()
        for shape in shapes
    ]

    def wanted(*tensors):
        total, marginals = run(allowed, *tensors, lengths)
        return {"log_partition": total, "marginals": marginals, "both": (total, marginals)}[output]

    assert torch.autograd.gradcheck(wanted, inputs)


def test_edges_that_are_not_allowed_get_no_gradient():
    allowed = allowed_steps(0.2)
    transitions = torch.zeros(STATES, STATES, requires_grad=True)
    emissions = torch.randn(len(LENGTHS), max(LENGTHS), STATES, generator=generator())
    total, marginals = run(
        allowed, emissions, transitions, torch.zeros(STATES), torch.zeros(STATES)
    )
    (total.sum() + marginals.square().sum()).backward()
    assert transitions.grad[~allowed].eq(0).all()
    assert transitions.grad[allowed].ne(0).any()
