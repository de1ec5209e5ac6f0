"""Temperature moves probability between types and nothing else."""

import pytest
import torch

from peftsp.errors import ConfigError
from peftsp.labels import SP_TYPES, STATES, TYPE_OF_STATE
from peftsp.model.decode import type_probabilities
from peftsp.model.settings import CRFSettings
from peftsp.model.temperature import temper_types

MASK = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


@pytest.fixture
def marginals(make_tagger):
    crf = make_tagger().crf
    emissions = 3 * torch.randn(2, 6, len(STATES), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return crf.marginals(emissions, MASK)


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_log_odds_of_types_are_divided(marginals, temperature):
    before = type_probabilities(marginals, MASK).log()
    after = type_probabilities(temper_types(marginals, MASK, temperature), MASK).log()
    odds = (before - before[:, :1]) / temperature
    torch.testing.assert_close(after - after[:, :1], odds, rtol=1e-4, atol=1e-4)


def test_what_is_within_a_type_keeps_its_shares(marginals):
    tempered = temper_types(marginals, MASK, 3.0)
    torch.testing.assert_close(tempered.sum(dim=-1), MASK.float())
    for sp_type in range(len(SP_TYPES)):
        states = [s for s, of in enumerate(TYPE_OF_STATE) if of == sp_type]
        for row, length in enumerate(MASK.sum(dim=1)):
            found, expected = tempered[row, :length, states], marginals[row, :length, states]
            # Four residues have no room for a Tat lipoprotein.
            if expected.any():
                torch.testing.assert_close(found / found.sum(), expected / expected.sum())


def test_impossible_types_stay_impossible():
    marginals = torch.zeros(1, 2, len(STATES))
    marginals[..., 0] = 1.0
    tempered = temper_types(marginals, torch.ones(1, 2).bool(), 2.5)
    assert torch.equal(tempered, marginals)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperatures_that_are_none_are_refused(make_tagger, temperature):
    crf = CRFSettings("hard", "peftsp", "of_type", temperature=temperature)
    with pytest.raises(ConfigError, match=r"crf\.temperature: expected a number above 0"):
        make_tagger(crf=crf)
