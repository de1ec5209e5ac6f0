"""Every YAML under conf/, found by globbing, is composed and builds what it says."""

import pytest
import torch
import wandb
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningDataModule, Trainer
from lightning.pytorch.loggers import Logger
from omegaconf import OmegaConf
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.labels import STATES
from peftsp.model.settings import build_tagger
from peftsp.settings_folder import CONF

CHOICES = [(path.parent.name, path.stem) for path in sorted(CONF.glob("*/*.yaml"))]


def check_backbone(config, name):
    spec = instantiate(config.backbone.spec)
    assert isinstance(spec, BackboneSpec)
    assert spec.name == name
    if config.backbone.checkpoint == "random":
        backbone = instantiate(config.backbone)
        assert backbone.spec == spec
    else:
        # Published weights are not at hand.
        with torch.device("meta"):
            backbone = ESM2(spec)
    assert sum(p.numel() for p in backbone.parameters()) == spec.parameters


def check_callbacks(config, name):
    callbacks = [instantiate(callback) for callback in config.callbacks.values()]
    assert all(isinstance(callback, Callback) for callback in callbacks)
    assert config.callbacks.step_seed.seed == config.seed


def check_data(config, name):
    assert isinstance(instantiate(config.data), LightningDataModule)


def check_debug(config, name):
    assert config.trainer.max_epochs == 1
    assert config.paths.output_dir == f"{config.paths.runs_dir}/debug/{config.name}"
    assert max(config.trainer[f"limit_{part}_batches"] for part in ("train", "val", "test")) < 10


def check_experiment(config, name):
    assert config.experiment_name == name


def check_hparams_search(config, name):
    assert config.peft._target_.startswith(f"peftsp.peft.{name}.")
    missing = object()
    space = config.search.space
    assert all(OmegaConf.select(config, key, default=missing) is not missing for key in space)


def check_logger(config, name):
    loggers = [instantiate(logger) for logger in config.logger.values()]
    assert all(isinstance(logger, Logger) for logger in loggers)


def check_model(config, name):
    method = instantiate(config.peft, _convert_="all")
    head, crf = instantiate(config.head), instantiate(config.crf)
    tagger = build_tagger(instantiate(config.backbone), method, head, crf)
    tokens = torch.tensor([[0, 20, 15, 2]])
    emissions = tagger(tokens, tokens >= 0, torch.tensor([-1]))
    assert emissions.shape == (1, 2, len(STATES))


def check_optimisation(config, name):
    layer = nn.Linear(2, 2)
    optimizer = instantiate(config.optimizer)(layer.parameters())
    schedule = instantiate(config.scheduler)(optimizer, 100)
    assert isinstance(optimizer, Optimizer)
    assert isinstance(schedule, LRScheduler)
    layer(torch.ones(2)).sum().backward()
    optimizer.step()
    schedule.step()
    assert 0 < optimizer.param_groups[0]["lr"] <= config.optimizer.lr


def check_paths(config, name):
    assert config.paths.output_dir.startswith(config.paths.runs_dir)


def check_trainer(config, name):
    trainer = config.trainer
    if trainer.accelerator == "gpu" and not torch.cuda.is_available():
        trainer.accelerator = "cpu"
    assert isinstance(instantiate(trainer, logger=False), Trainer)


CHECKS = {
    "backbone": check_backbone,
    "callbacks": check_callbacks,
    "data": check_data,
    "debug": check_debug,
    "experiment": check_experiment,
    "head": check_model,
    "hparams_search": check_hparams_search,
    "logger": check_logger,
    "optimizer": check_optimisation,
    "paths": check_paths,
    "peft": check_model,
    "scheduler": check_optimisation,
    "trainer": check_trainer,
}
PLUGINS = [(p.parent.name, p.stem) for p in sorted(CONF.glob("hydra/*/*.yaml"))]
NEEDED = {("data", "labelled"): ["data.path=mine.fasta"]}


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A folder of its own and no account anywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    wandb.teardown()
    yield
    wandb.teardown()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}-{n}" for g, n in CHOICES])
def test_every_choice_resolves_and_builds_what_it_says(composed, group, name):
    backbone = ["backbone=esm2_tiny"] if CHECKS[group] is check_model else []
    config = composed(*backbone, f"{group}={name}", *NEEDED.get((group, name), []))
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    CHECKS[group](config, name)


def test_every_group_has_a_check():
    assert {group for group, _ in CHOICES} == CHECKS.keys()
    assert sorted(path.name for path in CONF.glob("*.yaml")) == ["search.yaml", "train.yaml"]
    assert {path.parent for path in CONF.glob("*/*/*.yaml")} == {
        CONF / "hydra" / "launcher",
        CONF / "hydra" / "sweeper",
    }


@pytest.mark.parametrize(("kind", "name"), PLUGINS, ids=[f"{k}-{n}" for k, n in PLUGINS])
def test_every_plugin_of_hydra_can_be_made(kind, name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"hydra/{kind}={name}"], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    try:
        made = Plugins.instance()._instantiate(config.hydra[kind])
    finally:
        HydraConfig.instance().cfg = None
    assert isinstance(made, {"launcher": Launcher, "sweeper": Sweeper}[kind])


def test_search_composes_and_leaves_the_test_partition_alone(resolved):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("search")
    assert config.test is False
    assert config.optimized_metric.startswith("val/")
