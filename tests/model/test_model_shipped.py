"""Models by name."""

import pytest

from peftsp.errors import ConfigError
from peftsp.model.shipped import DEFAULT_MODE, DEFAULT_MODEL, SHIPPED, find_model, model_of_mode


def test_every_model_is_there():
    for name in SHIPPED:
        assert (find_model(name) / "config.json").is_file()
    with pytest.raises(ConfigError, match="--model: expected one of"):
        find_model("huge")


def test_modes_have_a_model():
    assert model_of_mode("fast") == "fast"
    assert model_of_mode("slow") == "accurate"
    assert model_of_mode(DEFAULT_MODE) == DEFAULT_MODEL
