"""Likelihood, marginals and best path as pure functions, against sums over every path."""

import pytest
import torch

from peftsp.crf import functional
from peftsp.crf.graph import ChainScores

LENGTHS = (5, 1, 3)
MASK = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
STATES = 4


@pytest.fixture(params=range(3))
def chain(request, make_chain):
    return make_chain(request.param)


@pytest.fixture
def emissions(chain):
    return 2 * chain.draw(*MASK.shape, STATES)


@pytest.fixture
def sequences(chain, emissions, enumerate_paths):
    """Every path over each sequence."""
    pairs = zip(emissions, LENGTHS, strict=True)
    return [enumerate_paths(*chain.tables, row[:length]) for row, length in pairs]


def in_float32(scores):
    return ChainScores(*(table.float() for table in scores[:4]), scores.graph)


def test_last_marginals_are_those_of_the_last_real_residue(chain, emissions, sequences):
    found = functional.last_marginals(emissions, MASK, chain.scores)
    expected = torch.stack([paths.marginals()[-1] for paths in sequences])
    torch.testing.assert_close(found, expected)


def test_likelihood_comes_with_the_marginals_of_all_paths(chain, emissions, sequences):
    allowed = torch.rand(emissions.shape, generator=chain.generator) < 0.6
    allowed[..., 3] = True
    likelihood, marginals = functional.log_likelihood(emissions, MASK, allowed, chain.scores)
    for row, (length, paths) in enumerate(zip(LENGTHS, sequences, strict=True)):
        torch.testing.assert_close(likelihood[row], paths.log_likelihood(allowed[row]))
        torch.testing.assert_close(marginals[row, :length], paths.marginals())
    assert not marginals[~MASK].any()


def test_a_target_that_allows_everything_is_certain(chain, emissions):
    everything = torch.ones_like(emissions).bool()
    likelihood, _ = functional.log_likelihood(emissions, MASK, everything, chain.scores)
    torch.testing.assert_close(likelihood, torch.zeros(3).double())


def test_a_target_without_a_path_has_probability_zero(chain, emissions):
    allowed = torch.ones_like(emissions).bool()
    # In the chain no step leads from the state 0 to the state 3.
    allowed[0, 1:3] = torch.tensor([[True, False, False, False], [False, False, False, True]])
    likelihood, _ = functional.log_likelihood(emissions, MASK, allowed, chain.scores)
    assert likelihood[0].item() == -torch.inf
    assert likelihood[1:].isfinite().all()


def test_gradient_of_the_log_partition_is_the_marginals(chain, emissions):
    emissions.requires_grad_()
    functional.log_partition(emissions, MASK, chain.scores).sum().backward()
    marginals = functional.marginals(emissions, MASK, chain.scores)
    torch.testing.assert_close(emissions.grad, marginals)


def test_gradients_through_likelihood_and_marginals_pass_gradcheck(make_chain):
    chain = make_chain(5)
    emissions = chain.draw(2, 4, STATES).requires_grad_()
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    allowed = torch.rand(2, 4, STATES, generator=chain.generator) < 0.6
    allowed[..., 3] = True
    assert torch.autograd.gradcheck(
        lambda e: functional.log_likelihood(e, mask, allowed, chain.scores), (emissions,)
    )


def test_of_equal_paths_that_of_the_lower_states_is_taken(make_chain, enumerate_paths):
    chain = make_chain(0, size=0.0)
    emissions = torch.randint(0, 2, (30, 5, STATES), generator=chain.generator).double()
    lengths = torch.randint(1, 6, (30, 1), generator=chain.generator)
    found = functional.viterbi(emissions, torch.arange(5) < lengths, chain.scores)
    ties = 0
    for path, row, length in zip(found.tolist(), emissions, lengths.flatten(), strict=True):
        every = enumerate_paths(*chain.tables, row[:length])
        ties += int((every.scores == every.scores.max()).sum() > 1)
        assert path == every.best() + [-1] * (5 - int(length))
    assert ties > 10


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_raised_to_single(chain, emissions, dtype):
    half, scores = emissions.to(dtype), in_float32(chain.scores)
    allowed = torch.ones_like(emissions).bool()

    def results(given):
        return (
            functional.log_partition(given, MASK, scores),
            *functional.log_likelihood(given, MASK, allowed, scores),
            functional.marginals(given, MASK, scores),
            functional.last_marginals(given, MASK, scores),
            functional.viterbi(given, MASK, scores),
        )

    for found, expected in zip(results(half), results(half.float()), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_what_all_states_of_a_residue_share_costs_no_digits(chain):
    """Whole numbers below 2 to the 24th, which float32 holds exactly."""
    scores = in_float32(chain.scores)
    small = torch.randint(-3, 4, (*MASK.shape, STATES), generator=chain.generator).float()
    shared = torch.randint(-(10**6), 10**6, MASK.shape, generator=chain.generator).float()
    large = small + shared[..., None]
    for function in (functional.marginals, functional.last_marginals, functional.viterbi):
        found, expected = (function(x, MASK, scores) for x in (large, small))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    totals = [functional.log_partition(x, MASK, scores).double() for x in (large, small)]
    torch.testing.assert_close(
        totals[0] - totals[1], (shared * MASK).sum(dim=1).double(), rtol=1e-6, atol=0.5
    )
