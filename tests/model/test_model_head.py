"""Emissions, and what the head makes of a kingdom."""

import pytest
import torch

from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, STATES
from peftsp.model.head import EmissionHead

RESIDUES = torch.randn(5, 7, 16, generator=torch.Generator().manual_seed(0))
EVERY_KINGDOM = torch.tensor([0, 1, 2, 3, -1])


@pytest.fixture
def head():
    torch.manual_seed(0)
    return EmissionHead(16, dropout=0.1, kingdom_embedding=3, kingdom_dropout=0.1)


def test_without_kingdoms_emissions_are_linear():
    plain = EmissionHead(16, dropout=0.5).eval()
    emissions = plain(RESIDUES, EVERY_KINGDOM)
    expected = RESIDUES @ plain.emissions.weight.T + plain.emissions.bias
    torch.testing.assert_close(emissions, expected)
    assert emissions.shape == (5, 7, len(STATES))
    assert plain.kingdoms is None


def test_kingdom_is_added_to_each_residue(head):
    emissions = head.eval()(RESIDUES, EVERY_KINGDOM)
    for row, kingdom in enumerate([*range(len(KINGDOMS)), len(KINGDOMS)]):
        embedded = head.kingdoms.weight[kingdom].expand(7, -1)
        features = torch.cat((RESIDUES[row], embedded), dim=1)
        torch.testing.assert_close(emissions[row], head.emissions(features))


def test_kingdoms_and_the_unknown_one_differ(head):
    emissions = head.eval()(RESIDUES[:1].expand(5, -1, -1), EVERY_KINGDOM)
    distances = torch.cdist(emissions.flatten(1), emissions.flatten(1))
    assert (distances[~torch.eye(5).bool()] > 0.1).all()


def test_share_of_kingdoms_is_hidden_in_training_alone():
    torch.manual_seed(0)
    head = EmissionHead(16, dropout=0.0, kingdom_embedding=3, kingdom_dropout=0.3)
    residues, kingdoms = torch.zeros(4000, 1, 16), torch.ones(4000, dtype=torch.int64)
    unknown = head(residues[:1], -kingdoms[:1])

    def share_hidden():
        distances = (head(residues, kingdoms) - unknown).abs().amax(dim=(1, 2))
        return (distances < 1e-5).float().mean().item()

    head.train()
    assert share_hidden() == pytest.approx(0.3, abs=0.03)
    head.eval()
    assert share_hidden() == 0


def test_all_rows_of_the_embedding_learn(head):
    head.train()(RESIDUES, EVERY_KINGDOM).square().sum().backward()
    assert (head.kingdoms.weight.grad.abs().sum(dim=1) > 0).sum() >= 4
    head.zero_grad()
    head.eval()(RESIDUES, EVERY_KINGDOM).square().sum().backward()
    assert (head.kingdoms.weight.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_residues_give_full_precision_emissions(head, dtype):
    half = RESIDUES.to(dtype)
    expected = head.eval()(half.float(), EVERY_KINGDOM)
    with torch.autocast("cpu", torch.bfloat16):
        found = head(half, EVERY_KINGDOM)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_double_precision_stays():
    head = EmissionHead(16).double().eval()
    assert head(RESIDUES.double(), EVERY_KINGDOM).dtype == torch.float64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, r"head\.dropout: expected 0 <= dropout < 1, found 1\.0"),
        ({"kingdom_dropout": -0.1}, r"head\.kingdom_dropout: .* found -0\.1"),
        ({"kingdom_embedding": -1}, r"head\.kingdom_embedding: .* found -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        EmissionHead(16, **settings)
