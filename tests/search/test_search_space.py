"""What a search varies: bounds as the YAML has them, values as the command line has them."""

import pytest
from omegaconf import OmegaConf

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

from optuna.distributions import (  # noqa: E402
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from peftsp.errors import ConfigError  # noqa: E402
from peftsp.search.space import distributions_of, suggest  # noqa: E402
from peftsp.settings_folder import CONF  # noqa: E402

SPACES = sorted((CONF / "hparams_search").glob("*.yaml"))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"low": 1, "high": 8}, IntDistribution(1, 8)),
        ({"low": 1, "high": "layers"}, IntDistribution(1, 6)),
        ({"low": 1, "high": 8, "log": True}, IntDistribution(1, 8, log=True)),
        ({"low": 0.1, "high": 1}, FloatDistribution(0.1, 1)),
        ({"low": 0.0, "high": 0.3, "step": 0.1}, FloatDistribution(0.0, 0.3, step=0.1)),
        ({"values": [None, 8]}, CategoricalDistribution([None, 8])),
    ],
)
def test_bounds_become_distributions(bounds, expected):
    assert distributions_of({"x": bounds}, layers=6) == {"x": expected}


@pytest.mark.parametrize(
    "bounds",
    [
        *({}, {"low": 1}, {"low": 2, "high": 1}, {"values": []}, {"values": [1], "low": 0}),
        *(1, {"low": 1, "high": 2, "stride": 1}, {"low": 0.0, "high": 1.0, "log": True}),
    ],
)
def test_other_bounds_are_refused(bounds):
    with pytest.raises(ConfigError, match=r"search\.space\.peft\.rank: expected values, or low"):
        distributions_of({"peft.rank": bounds}, layers=6)


def test_suggestions_are_overrides():
    space = {"peft.length": {"values": [None]}, "peft.last_k": {"low": 6, "high": "layers"}}
    fixed = optuna.trial.FixedTrial({"peft.length": None, "peft.last_k": 6})
    assert suggest(fixed, distributions_of(space, 6)) == ["peft.length=null", "peft.last_k=6"]


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_space_in_conf_can_be_read(path):
    space = OmegaConf.to_container(OmegaConf.load(path).search.space)
    found = distributions_of(space, layers=30)
    assert {"optimizer.lr", "peft.last_k"} <= found.keys()
    assert found["peft.last_k"].high == 30
