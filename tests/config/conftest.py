"""Composing the configuration as the training command does."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict

from peftsp.settings_folder import CONF


@pytest.fixture
def composed():
    """Function of overrides that gives the settings, with every interpolation resolvable."""

    def of(*overrides):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("train", [*overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config["hydra"]
        return config

    yield of
    HydraConfig.instance().cfg = None


@pytest.fixture
def resolved(composed):
    """Function of overrides that gives the settings as plain data."""
    return lambda *overrides: OmegaConf.to_container(
        composed(*overrides), resolve=True, throw_on_missing=True
    )
