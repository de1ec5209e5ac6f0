"""What is added to emissions, against all paths of a small chain one by one."""

from itertools import product

import pytest
import torch

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.labels import SP_TYPES, STATES, TYPE_OF_STATE
from peftsp.model.decode import type_probabilities
from peftsp.training.prior import favour_types


@pytest.fixture
def drawn():
    """Emissions of two proteins, and log odds of their types."""
    generator = torch.Generator().manual_seed(0)
    emissions = torch.randn(2, 9, len(STATES), generator=generator, dtype=torch.float64)
    return emissions, torch.randn(2, len(SP_TYPES), generator=generator, dtype=torch.float64)


def test_each_path_gains_the_log_odds_of_its_type(drawn):
    emissions, log_odds = drawn[0][:, :3], drawn[1]
    gained = favour_types(emissions, log_odds) - emissions
    for protein in range(2):
        for sp_type in range(len(SP_TYPES)):
            states = [state for state, own in enumerate(TYPE_OF_STATE) if own == sp_type]
            for path in product(states, repeat=3):
                gain = gained[protein, range(3), path].sum()
                torch.testing.assert_close(gain, log_odds[protein, sp_type])


def test_types_are_as_probable_as_bayes_has_them(drawn):
    emissions, log_odds = drawn
    crf = LinearChainCRF(constraint_table("peftsp")).double()
    mask = torch.ones(emissions.shape[:2], dtype=torch.bool)
    mask[1, 6:] = False
    plain, favoured = (
        type_probabilities(crf.marginals(scores, mask), mask)
        for scores in (emissions, favour_types(emissions, log_odds))
    )
    expected = plain * log_odds.exp()
    torch.testing.assert_close(favoured, expected / expected.sum(dim=1, keepdim=True))


def test_emissions_themselves_stay_and_get_gradients(drawn):
    emissions, log_odds = drawn
    before = emissions.clone().requires_grad_()
    favour_types(before, log_odds).sum().backward()
    assert torch.equal(before.detach(), emissions)
    assert torch.equal(before.grad, torch.ones_like(emissions))


def test_protein_of_one_residue_keeps_its_shape(drawn):
    emissions, log_odds = drawn
    assert favour_types(emissions[:, :1], log_odds).shape == (2, 1, len(STATES))
