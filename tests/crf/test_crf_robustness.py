"""The signal peptide CRF under extreme emissions, odd dtypes and wrong arguments."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.labels import TYPE_OF_STATE

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


def test_a_path_confined_to_a_type_stays_in_it():
    crf = LinearChainCRF(constraint_table("peftsp"))
    emissions = torch.randn(6, 40, 37, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(6, 40, dtype=torch.bool)
    types = torch.arange(6)
    path = crf.decode(emissions, mask, allowed=(types[:, None] == TYPE)[:, None])
    assert (TYPE[path] == types[:, None]).all()


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
