"""Models by name."""

import pytest

from peftsp.errors import ConfigError
from peftsp.model.shipped import DEFAULT_MODE, DEFAULT_MODEL, MODES, SHIPPED, find_model


def test_every_model_is_there():
    for name in SHIPPED:
        assert (find_model(name) / "config.json").is_file()
    with pytest.raises(ConfigError, match="--model: expected one of"):
        find_model("huge")


def test_modes_have_a_model():
    assert MODES["fast"] == "fast"
    assert MODES["slow"] == "accurate"
    assert MODES[DEFAULT_MODE] == DEFAULT_MODEL
