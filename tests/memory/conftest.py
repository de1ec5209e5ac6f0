"""Settings of a small run."""

import pytest
from hydra import compose, initialize_config_dir

from peftsp.settings_folder import CONF


@pytest.fixture
def settings():
    """Function of overrides that composes them."""

    def of(*overrides):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("train", ["backbone=esm2_tiny", "data.batch_size=3", *overrides])

    return of
