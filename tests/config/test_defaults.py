"""A default stands in a YAML, and nowhere else."""

import inspect

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from peftsp.model.head import EmissionHead
from peftsp.settings_folder import CONF
from peftsp.training.module import SignalPeptideModule

FILES = [path for path in CONF.rglob("*.yaml") if "hydra" not in path.parts]
MADE_WITHOUT_YAML = {
    "peftsp.backbone.checkpoint.load_backbone",
    # A bundle's file may be older than a setting.
    "peftsp.model.settings.HeadSettings",
    "peftsp.model.settings.CRFSettings",
    "peftsp.peft.lora.LoRA",
    "peftsp.training.loggers.wandb_logger",
}


def defaults_of(function):
    """Names of the arguments that may be left out."""
    arguments = inspect.signature(function).parameters.values()
    return {a.name for a in arguments if a.default is not inspect.Parameter.empty}


def objects_in(config):
    """Settings of each object of ours that a file describes."""
    if str(config.get("_target_", "")).startswith("peftsp."):
        yield config
    for name in config:
        part = config._get_node(name)
        if isinstance(part, DictConfig) and not part._is_none() and not part._is_missing():
            yield from objects_in(part)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_what_a_yaml_sets_has_no_default_in_code(path):
    for settings in objects_in(OmegaConf.load(path)):
        if settings._target_ not in MADE_WITHOUT_YAML:
            assert not defaults_of(get_object(settings._target_)) & set(settings)


@pytest.mark.parametrize("made", [EmissionHead, SignalPeptideModule])
def test_what_is_made_of_settings_has_no_defaults(made):
    assert defaults_of(made) == set()
