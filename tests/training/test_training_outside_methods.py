"""Methods of other packages are named like those of this one."""

import sys
from importlib.metadata import EntryPoint

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from peftsp.errors import ConfigError
from peftsp.settings_folder import CONF
from peftsp.training.outside_methods import GROUP, name_outside_methods

CODE = """
from dataclasses import dataclass
from peftsp.peft.frozen import Frozen


@dataclass(frozen=True)
class Mine(Frozen):
    rank: int
    scales: tuple[float, ...] = (1.0, 2.0)


number = 3
"""


@pytest.fixture
def announced(tmp_path, monkeypatch):
    """Function of an entry point's value, which is then that of ``mine``."""
    (tmp_path / "otherlab.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def announce(value):
        points = [EntryPoint("mine", value, GROUP)]
        monkeypatch.setattr("peftsp.training.outside_methods.entry_points", lambda group: points)

    yield announce
    sys.modules.pop("otherlab", None)


def test_settings_have_their_defaults_and_can_be_changed(announced):
    announced("otherlab:Mine")
    overrides = name_outside_methods(["seed=3", "peft=mine", "peft.rank=4"])
    assert overrides[0] == "seed=3"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides)
    method = instantiate(config.peft, _convert_="all")
    assert type(method).__name__ == "Mine"
    assert (method.rank, list(method.scales)) == (4, [1.0, 2.0])


def test_commands_without_it_stay_as_they_are(announced):
    announced("otherlab:Mine")
    assert name_outside_methods(["peft=lora", "peft.rank=4"]) == ["peft=lora", "peft.rank=4"]
    assert "otherlab" not in sys.modules


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nolab:Mine", "peft=mine: expected nolab:Mine to import: No module named 'nolab'"),
        ("otherlab:Nothing", "peft=mine: expected otherlab:Nothing to import"),
        ("otherlab:number", "peft=mine: expected a PeftMethod, found otherlab:number"),
    ],
)
def test_what_cannot_be_used_is_named(announced, value, message):
    announced(value)
    with pytest.raises(ConfigError, match=message):
        name_outside_methods(["peft=mine"])
