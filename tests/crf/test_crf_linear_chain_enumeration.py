"""The recursions against a sum over every path, on small state sets."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import Constraints
from peftsp.crf.linear_chain import LinearChainCRF

ALLOWED_OF = {
    "transitions": "allowed_transitions",
    "start_transitions": "allowed_starts",
    "end_transitions": "allowed_ends",
}


class Enumeration:
    """Every path over one sequence with its score."""

    def __init__(self, crf, emissions):
        length, states = emissions.shape
        is_hard = crf.constraint == "hard"
        self.paths, scores = [], []
        for path in itertools.product(range(states), repeat=length):
            steps = list(itertools.pairwise(path))
            is_legal = (
                crf.allowed_starts[path[0]]
                and crf.allowed_ends[path[-1]]
                and all(crf.allowed_transitions[i, j] for i, j in steps)
            )
            if is_hard and not is_legal:
                continue
            score = crf.start_transitions[path[0]] + crf.end_transitions[path[-1]]
            score = score + sum(emissions[position, state] for position, state in enumerate(path))
            score = score + sum(crf.transitions[i, j] for i, j in steps)
            self.paths.append(path)
            scores.append(score)
        self.scores = torch.stack(scores)

    def log_partition(self):
        return self.scores.logsumexp(0)

    def log_likelihood(self, allowed):
        inside = [all(allowed[t, s] for t, s in enumerate(path)) for path in self.paths]
        return self.scores[torch.tensor(inside)].logsumexp(0) - self.log_partition()

    def marginals(self, length, states):
        weights = self.scores.softmax(0)
        table = torch.zeros(length, states, dtype=weights.dtype)
        for path, weight in zip(self.paths, weights, strict=True):
            for position, state in enumerate(path):
                table[position, state] += weight
        return table

    def best(self):
        return list(self.paths[int(self.scores.argmax())])


def random_crf(generator, states, constraint):
    """A CRF over few states in which every state can be reached and left."""
    transitions = torch.rand(states, states, generator=generator) < 0.5
    transitions |= torch.eye(states, dtype=torch.bool)
    starts = torch.rand(states, generator=generator) < 0.5
    ends = torch.rand(states, generator=generator) < 0.5
    starts[0] = ends[0] = True
    crf = LinearChainCRF(Constraints(transitions, starts, ends), constraint).double()
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return crf


@pytest.mark.parametrize("constraint", ["hard", "soft"])
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    states=st.integers(2, 4),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
)
def test_every_quantity_equals_the_sum_over_paths(constraint, seed, states, lengths, scale):
    generator = torch.Generator().manual_seed(seed)
    crf = random_crf(generator, states, constraint)
    longest = max(lengths)
    shape = (len(lengths), longest, states)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
    allowed = torch.rand(shape, generator=generator) < 0.7
    allowed[..., 0] = True
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]

    output = crf(emissions, mask, allowed)
    partition = crf.log_partition(emissions, mask)
    paths = crf.decode(emissions, mask)
    # The soft constraint decodes with -20 at forbidden entries, not with what was learned.
    decoding_crf = LinearChainCRF(
        Constraints(crf.allowed_transitions, crf.allowed_starts, crf.allowed_ends), constraint
    ).double()
    for name, parameter in crf.named_parameters():
        allowed_entries = getattr(crf, ALLOWED_OF[name])
        decoding_crf.get_parameter(name).data = parameter.data.masked_fill(~allowed_entries, -20.0)

    for row, length in enumerate(lengths):
        paths_of_row = Enumeration(crf, emissions[row, :length])
        torch.testing.assert_close(partition[row], paths_of_row.log_partition())
        torch.testing.assert_close(
            output.log_likelihood[row], paths_of_row.log_likelihood(allowed[row])
        )
        torch.testing.assert_close(
            output.marginals[row, :length], paths_of_row.marginals(length, states)
        )
        assert (output.marginals[row, length:] == 0).all()
        assert (
            paths[row, :length].tolist()
            == Enumeration(decoding_crf, emissions[row, :length]).best()
        )
        assert (paths[row, length:] == -1).all()


@pytest.mark.parametrize("constraint", ["hard", "soft"])
def test_gradient_of_the_log_partition_is_the_marginals(constraint):
    generator = torch.Generator().manual_seed(3)
    crf = random_crf(generator, 4, constraint)
    emissions = torch.randn(3, 6, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    mask = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]
    crf.log_partition(emissions, mask).sum().backward()
    torch.testing.assert_close(emissions.grad, crf.marginals(emissions, mask))


def test_gradients_through_likelihood_and_marginals_pass_gradcheck():
    generator = torch.Generator().manual_seed(5)
    crf = random_crf(generator, 3, "hard")
    emissions = torch.randn(2, 4, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    allowed = torch.rand(2, 4, 3, generator=generator) < 0.6
    allowed[..., 0] = True
    assert torch.autograd.gradcheck(lambda e: tuple(crf(e, mask, allowed)), (emissions,))


def test_a_target_without_a_path_has_probability_zero():
    crf = LinearChainCRF(
        Constraints(torch.eye(2, dtype=torch.bool), torch.ones(2).bool(), torch.ones(2).bool())
    )
    allowed = torch.tensor([[[True, False], [False, True]]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert crf.log_likelihood(torch.zeros(1, 2, 2), mask, allowed).item() == -torch.inf
