"""The temperature and offsets that made probabilities wrong are found again."""

import pytest
import torch

from peftsp.evaluate.calibration import Calibration, fit_calibration
from peftsp.labels import SP_TYPES

OFFSETS = dict(zip(SP_TYPES, (0.0, 0.8, -1.2, 0.5, -0.4, 1.5), strict=True))


@pytest.fixture
def drawn():
    """Probabilities as they are, and types drawn from them."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(40000, len(SP_TYPES), generator=generator, dtype=torch.float64)
    truth = logits.softmax(dim=-1)
    return truth, torch.multinomial(truth, 1, generator=generator)[:, 0]


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_what_distorted_the_probabilities_is_found(drawn, temperature):
    truth, types = drawn
    offsets = truth.new_tensor([*OFFSETS.values()])
    distorted = (temperature * (truth.log() - offsets)).softmax(dim=-1)
    found = fit_calibration(distorted, types)
    assert found.temperature == pytest.approx(temperature, rel=0.03)
    assert found.offsets == pytest.approx(OFFSETS, abs=0.06)
    torch.testing.assert_close(found.apply(distorted), truth, atol=0.02, rtol=0)


def test_probabilities_that_come_true_are_left_alone(drawn):
    found = fit_calibration(*drawn)
    assert found.temperature == pytest.approx(1, rel=0.03)
    assert found.offsets == pytest.approx(dict.fromkeys(SP_TYPES, 0.0), abs=0.06)


def test_types_without_proteins_stay_near_where_they_are(drawn):
    truth, types = drawn
    is_known = types < 2
    found = fit_calibration(truth[is_known][:60], types[is_known][:60])
    assert all(-6 < offset < 1 for offset in found.offsets.values())
    assert found.offsets["PILIN"] < -1, "none of sixty proteins is one"


def test_proteins_of_a_type_that_is_impossible_to_the_model_do_not_count(drawn):
    truth, types = (part[:500] for part in drawn)
    sure = torch.eye(len(SP_TYPES), dtype=torch.float64)
    wrong = torch.arange(len(SP_TYPES)).roll(1)
    found = fit_calibration(torch.cat([truth, sure]), torch.cat([types, wrong]))
    assert found == fit_calibration(truth, types)
    assert fit_calibration(sure, wrong) == Calibration(1.0, dict.fromkeys(SP_TYPES, 0.0))
    assert torch.equal(found.apply(sure), sure)


def test_offsets_move_probability_towards_their_type():
    even = torch.full((1, len(SP_TYPES)), 1 / len(SP_TYPES))
    moved = Calibration(2.0, {**dict.fromkeys(SP_TYPES, 0.0), "TAT": 1.0}).apply(even)
    assert moved[0, 3] / moved[0, 0] == pytest.approx(torch.e)


def test_few_proteins_that_are_called_rightly_make_no_model_sure():
    types = torch.arange(60) % 2
    right = torch.full((60, len(SP_TYPES)), 0.005, dtype=torch.float64)
    right[torch.arange(60), types] = 0.975
    found = fit_calibration(right, types)
    assert 0.4 < found.temperature < 1
    assert found.apply(right).max() < 0.9999
