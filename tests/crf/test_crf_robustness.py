"""The signal peptide CRF under extreme emissions, odd dtypes and wrong arguments."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import ConfigError
from peftsp.labels import (
    ALLOWED_ENDS,
    ALLOWED_STARTS,
    ALLOWED_TRANSITIONS,
    STATE_INDEX,
    TYPE_OF_STATE,
)

TYPE = torch.tensor(TYPE_OF_STATE)


def target_of_type(lengths, longest, types):
    """Everything allowed inside each sequence's type: a target that always has a path."""
    allowed = (torch.tensor(types)[:, None] == TYPE)[:, None].expand(-1, longest, -1)
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return allowed & mask.unsqueeze(-1), mask


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1.0, 100.0, 1e4]))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("constraint", ["hard", "soft"])
def test_values_and_gradients_are_finite_for_large_emissions(constraint, dtype, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(constraint_table("peftsp"), constraint)
    allowed, mask = target_of_type([70, 12, 33], 70, [1, 2, 5])
    values = (torch.rand(3, 70, 37, generator=generator) * 2 - 1) * scale
    emissions = values.to(dtype).requires_grad_()
    output = crf(emissions, mask, allowed)
    (output.log_likelihood.mean() + output.marginals.square().sum()).backward()
    assert output.log_likelihood.isfinite().all()
    assert output.marginals.isfinite().all()
    assert emissions.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in crf.parameters())
    torch.testing.assert_close(
        output.marginals.sum(-1)[mask].float(), torch.ones(int(mask.sum())), atol=1e-4, rtol=0
    )


def test_a_type_of_vanishing_probability_keeps_gradients_finite():
    crf = LinearChainCRF(constraint_table("peftsp"))
    allowed, mask = target_of_type([70, 70], 70, [1, 1])
    emissions = torch.zeros(2, 70, 37)
    emissions[..., TYPE == 1] = -1e4
    emissions.requires_grad_()
    output = crf(emissions, mask, allowed)
    assert output.marginals[..., TYPE == 1].sum() == 0
    output.log_likelihood.sum().backward()
    assert output.log_likelihood.isfinite().all()
    assert emissions.grad.isfinite().all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1.0, 50.0, 1e4]))
def test_hard_paths_are_always_legal(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(constraint_table("peftsp"))
    lengths = [70, 1, 2, 3, 10]
    _, mask = target_of_type(lengths, 70, [0] * 5)
    emissions = torch.randn(5, 70, 37, generator=generator) * scale
    for path, length in zip(crf.decode(emissions, mask).tolist(), lengths, strict=True):
        real = path[:length]
        assert real[0] in ALLOWED_STARTS
        assert real[-1] in ALLOWED_ENDS
        assert set(itertools.pairwise(real)) <= ALLOWED_TRANSITIONS


def test_a_path_confined_to_a_type_stays_in_it():
    crf = LinearChainCRF(constraint_table("peftsp"))
    emissions = torch.randn(6, 40, 37, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(6, 40, dtype=torch.bool)
    types = torch.arange(6)
    path = crf.decode(emissions, mask, allowed=(types[:, None] == TYPE)[:, None])
    assert (TYPE[path] == types[:, None]).all()


def test_a_signal_peptide_can_end_outside_which_the_published_table_forbids():
    mask = torch.ones(1, 30, dtype=torch.bool)
    path = ["SP_N"] * 5 + ["SP_H"] * 10 + ["SP_C"] * 5 + ["SP_O"] * 10
    allowed = torch.zeros(1, 30, 37, dtype=torch.bool)
    allowed[0, torch.arange(30), [STATE_INDEX[name] for name in path]] = True
    likelihood = {
        table: LinearChainCRF(constraint_table(table)).log_likelihood(
            torch.zeros(1, 30, 37), mask, allowed
        )
        for table in ("peftsp", "published")
    }
    assert likelihood["peftsp"].isfinite().all()
    assert likelihood["published"].item() == -torch.inf


def test_padding_and_neighbours_change_nothing():
    crf = LinearChainCRF(constraint_table("peftsp"))
    emissions = torch.randn(2, 70, 37, generator=torch.Generator().manual_seed(1))
    allowed, mask = target_of_type([70, 25], 70, [0, 3])
    together = crf(emissions, mask, allowed)
    alone = crf(emissions[1:, :25], mask[1:, :25], allowed[1:, :25])
    torch.testing.assert_close(together.log_likelihood[1:], alone.log_likelihood)
    torch.testing.assert_close(together.marginals[1:, :25], alone.marginals)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(2, 5, 36), torch.ones(2, 5).bool()), r"expected \(B, L, 37\)"),
        ((torch.zeros(2, 5, 37), torch.ones(2, 4).bool()), r"expected bool \(2, 5\)"),
        ((torch.zeros(2, 5, 37), torch.ones(2, 5)), "expected bool"),
        ((torch.zeros(1, 2, 37), torch.tensor([[False, True]])), "run of True"),
        ((torch.zeros(1, 3, 37), torch.tensor([[True, False, True]])), "run of True"),
    ],
)
def test_wrong_arguments_say_what_was_expected(arguments, message):
    crf = LinearChainCRF(constraint_table("peftsp"))
    with pytest.raises(ValueError, match=message):
        crf.marginals(*arguments)


def test_unknown_options_are_refused():
    with pytest.raises(ConfigError, match=r"crf\.table: expected one of .* found 'mine'"):
        constraint_table("mine")
    with pytest.raises(ConfigError, match=r"crf\.constraint: expected one of hard, soft"):
        LinearChainCRF(constraint_table("peftsp"), "firm")
