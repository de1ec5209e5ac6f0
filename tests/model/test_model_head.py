"""Emissions, and what the head makes of a kingdom."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, STATES
from peftsp.model.head import EmissionHead

REPOSITORY = Path(__file__).resolve().parents[2]
RESIDUES = torch.randn(5, 7, 16, generator=torch.Generator().manual_seed(0))
EVERY_KINGDOM = torch.tensor([0, 1, 2, 3, -1])
EVERYWHERE = torch.ones(5, 7, dtype=torch.bool)


def make_head(**changes):
    """A head with the settings of ``conf/head/linear.yaml`` but for some."""
    settings = dict(OmegaConf.load(REPOSITORY / "conf" / "head" / "linear.yaml"))
    del settings["_target_"], settings["trainable"]
    return EmissionHead(16, **settings | changes)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return make_head(kingdom_embedding=3)


def test_without_kingdoms_emissions_are_linear():
    plain = make_head(dropout=0.5).eval()
    emissions = plain(RESIDUES, EVERY_KINGDOM, EVERYWHERE)
    expected = RESIDUES @ plain.emissions.weight.T + plain.emissions.bias
    torch.testing.assert_close(emissions, expected)
    assert emissions.shape == (5, 7, len(STATES))
    assert plain.kingdoms is None


def test_kingdom_is_added_to_each_residue(head):
    emissions = head.eval()(RESIDUES, EVERY_KINGDOM, EVERYWHERE)
    for row, kingdom in enumerate([*range(len(KINGDOMS)), len(KINGDOMS)]):
        embedded = head.kingdoms.weight[kingdom].expand(7, -1)
        features = torch.cat((RESIDUES[row], embedded), dim=1)
        torch.testing.assert_close(emissions[row], head.emissions(features))


def test_kingdoms_and_the_unknown_one_differ(head):
    emissions = head.eval()(RESIDUES[:1].expand(5, -1, -1), EVERY_KINGDOM, EVERYWHERE)
    distances = torch.cdist(emissions.flatten(1), emissions.flatten(1))
    assert (distances[~torch.eye(5).bool()] > 0.1).all()


def test_share_of_kingdoms_is_hidden_in_training_alone():
    torch.manual_seed(0)
    head = make_head(dropout=0.0, kingdom_embedding=3, kingdom_dropout=0.3)
    residues, kingdoms = torch.zeros(4000, 1, 16), torch.ones(4000, dtype=torch.int64)
    everywhere = torch.ones(4000, 1, dtype=torch.bool)
    unknown = head(residues[:1], -kingdoms[:1], everywhere[:1])

    def share_hidden():
        distances = (head(residues, kingdoms, everywhere) - unknown).abs().amax(dim=(1, 2))
        return (distances < 1e-5).float().mean().item()

    head.train()
    assert share_hidden() == pytest.approx(0.3, abs=0.03)
    head.eval()
    assert share_hidden() == 0


def test_all_rows_of_the_embedding_learn(head):
    head.train()(RESIDUES, EVERY_KINGDOM, EVERYWHERE).square().sum().backward()
    assert (head.kingdoms.weight.grad.abs().sum(dim=1) > 0).sum() >= 4
    head.zero_grad()
    head.eval()(RESIDUES, EVERY_KINGDOM, EVERYWHERE).square().sum().backward()
    assert (head.kingdoms.weight.grad.abs().sum(dim=1) > 0).all()


def test_context_stands_beside_the_residues():
    torch.manual_seed(0)
    head = make_head(dropout=0.1, context_window=3).eval()
    mask = torch.arange(7) < torch.tensor([7, 4, 7, 1, 7])[:, None]
    features = torch.cat((RESIDUES, head.context(RESIDUES, mask)), dim=2)
    found = head(RESIDUES, EVERY_KINGDOM, mask)
    torch.testing.assert_close(found, head.emissions(features))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_residues_give_full_precision_emissions(head, dtype):
    half = RESIDUES.to(dtype)
    expected = head.eval()(half.float(), EVERY_KINGDOM, EVERYWHERE)
    with torch.autocast("cpu", torch.bfloat16):
        found = head(half, EVERY_KINGDOM, EVERYWHERE)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_double_precision_stays():
    head = make_head().double().eval()
    assert head(RESIDUES.double(), EVERY_KINGDOM, EVERYWHERE).dtype == torch.float64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, r"head\.dropout: expected 0 <= dropout < 1, found 1\.0"),
        ({"kingdom_dropout": -0.1}, r"head\.kingdom_dropout: .* found -0\.1"),
        ({"context_window": 4}, r"head\.context_window: expected 0 or an odd number .* found 4"),
        ({"context_window": -3}, r"head\.context_window: .* found -3"),
        ({"kingdom_embedding": -1}, r"head\.kingdom_embedding: .* found -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_head(**settings)


def test_tat_lipoproteins_add_what_tat_and_lipoproteins_have():
    torch.manual_seed(0)
    sharing = make_head(shares_types=True).eval()
    plain = make_head().eval()
    plain.load_state_dict(sharing.state_dict())
    own = plain(RESIDUES, EVERY_KINGDOM, EVERYWHERE)
    found = sharing(RESIDUES, EVERY_KINGDOM, EVERYWHERE)
    score = {name: own[..., index] for index, name in enumerate(STATES)}
    expected = {
        "TATLIPO_N": score["TAT_N"] + score["LIPO_N"] - score["SP_N"],
        "TATLIPO_RR": score["TAT_RR"] + score["LIPO_N"] - score["SP_N"],
        "TATLIPO_CS": score["TAT_C"] + score["LIPO_CS"] - score["SP_C"],
        "TATLIPO_C1": score["TAT_O"] + score["LIPO_C1"] - score["SP_O"],
        "TATLIPO_M": score["TAT_M"] + score["LIPO_M"] - score["SP_M"],
    }
    for name, shared in expected.items():
        torch.testing.assert_close(found[..., STATES.index(name)], score[name] + shared)
    others = [index for index, name in enumerate(STATES) if not name.startswith("TATLIPO")]
    torch.testing.assert_close(found[..., others], own[..., others])
