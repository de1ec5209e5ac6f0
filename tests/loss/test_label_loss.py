"""Focal loss and smoothed labels beside written-out formulas and finite differences."""

import math

import pytest
import torch

from peftsp.labels import SP_TYPES, TYPE_OF_STATE
from peftsp.loss.label_loss import focal_loss, type_cross_entropy


@pytest.mark.parametrize("focusing", [0.0, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("probability", [1e-30, 0.01, 0.5, 0.999])
def test_focal_loss_is_its_formula(probability, focusing):
    found = focal_loss(torch.tensor([probability], dtype=torch.float64).log(), focusing)
    expected = -((1 - probability) ** focusing) * math.log(probability)
    assert found.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("focusing", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("log_likelihood", [1e-6, 0.0, -1e-9, -5.0, -80.0])
def test_focal_loss_has_finite_gradients(log_likelihood, focusing):
    values = torch.tensor([log_likelihood], requires_grad=True)
    focal_loss(values, focusing).sum().backward()
    assert values.grad.isfinite().all()


def test_gradient_of_the_focal_loss_is_that_of_small_steps():
    values = torch.tensor([-0.01, -0.7, -9.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, 2.0), (values,))


def test_cross_entropy_counts_all_types_alike():
    marginals = torch.rand(4, 6, 37, dtype=torch.float64, generator=torch.manual_seed(0))
    marginals = marginals / marginals.sum(-1, keepdim=True)
    mask = torch.arange(6) < torch.tensor([[6], [1], [4], [5]])
    marginals = marginals * mask.unsqueeze(-1)
    found = type_cross_entropy(marginals, mask)
    for row, value in enumerate(found.tolist()):
        of_type = dict.fromkeys(range(len(SP_TYPES)), 0.0)
        for state, sp_type in enumerate(TYPE_OF_STATE):
            of_type[sp_type] += (marginals[row, :, state].sum() / mask[row].sum()).item()
        assert value == pytest.approx(-sum(map(math.log, of_type.values())) / len(SP_TYPES))


def test_a_forbidden_type_leaves_finite_values_and_gradients():
    marginals = torch.zeros(1, 2, 37)
    marginals[..., 0], marginals[..., 3] = 0.25, 0.75
    marginals.requires_grad_()
    found = type_cross_entropy(marginals, torch.ones(1, 2).bool()).sum()
    found.backward()
    assert found.isfinite()
    assert marginals.grad.isfinite().all()
    # Half of it from each residue.
    assert marginals.grad[0, :, 0].tolist() == [pytest.approx(-0.5 / 0.25 / len(SP_TYPES))] * 2


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_cross_entropy_is_that_of_float32_under_autocasting(half):
    marginals = torch.full((1, 1, 37), 1e-9)
    marginals[..., 0] = 1.0
    marginals.requires_grad_()
    mask = torch.ones(1, 1).bool()
    expected = type_cross_entropy(marginals, mask)
    with torch.autocast("cpu", half):
        found = type_cross_entropy(marginals, mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    found.sum().backward()
    assert marginals.grad.isfinite().all()
