"""A small model, its data, and whole runs of the training function."""

import csv
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.data.datamodule import SignalPeptideData
from peftsp.loss.criterion import Criterion
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA
from peftsp.settings_folder import CONF
from peftsp.training.build import standalone
from peftsp.training.module import SignalPeptideModule
from peftsp.training.run import train
from peftsp.training.schedules import constant
from peftsp.training.settings import check_settings

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
QUICK = (
    "experiment=quickstart",
    "overwrite=false",
    "data.count=60",
    "data.batch_size=5",
    "trainer.max_epochs=3",
    "trainer.log_every_n_steps=1",
    "callbacks.progress_bar=null",
    "+trainer.enable_progress_bar=false",
)


@pytest.fixture(autouse=True)
def _blank_pictures(blank_pictures):
    """Runs are not looked at, but for the picture itself in its own tests."""


@pytest.fixture
def make_module():
    """Function of a PEFT method and settings that gives a module to train."""

    def make(
        method=None,
        *,
        seed=0,
        backbone_seed=0,
        regularisation=0.5,
        focusing=0.0,
        smoothing=0.0,
        hidden_residues=0.0,
        head_factor=1.0,
        **head,
    ):
        torch.manual_seed(seed)
        defaults = {"dropout": 0.1, "kingdom_embedding": 0, "kingdom_dropout": 0.1}
        tagger = build_tagger(
            load_backbone(SPEC, "random", seed=backbone_seed),
            method or LoRA(4, 4, 0.1, ("q_proj", "v_proj"), None),
            HeadSettings(**{**defaults, "trainable": True, **head}),
            CRFSettings("hard", "peftsp", "of_type"),
        )
        optimizer = partial(torch.optim.Adamax, lr=0.01)
        schedule = partial(constant, warmup=0.0)
        criterion = Criterion(focusing, smoothing, regularisation)
        return SignalPeptideModule(
            tagger, optimizer, schedule, criterion, hidden_residues, head_factor
        )

    return make


@pytest.fixture
def make_data():
    """Function of settings that gives a data module of 60 made-up proteins."""

    def make(**settings):
        defaults = {
            **{"fold": 0, "batch_size": 5, "eval_batch_size": 8, "num_workers": 0, "seed": 1},
            **{"balance": 0.0, "type_weights": None, "kingdom_weights": None},
            **{"extra_path": None, "train_splits": ("train",), "keeps_prior": True, "chimeras": 0},
            "protocol": "nested",
        }
        return SignalPeptideData.from_synthetic(60, 0, **{**defaults, **settings})

    return make


@pytest.fixture
def batch(make_data):
    """Five labelled proteins."""
    data = make_data()
    data.setup("fit")
    return next(iter(data.train_dataloader()))


@pytest.fixture(scope="session")
def compose_run():
    """Function of a folder and overrides that gives the settings of a short run."""
    return _compose_run


def _compose_run(folder, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        given = [*QUICK, f"paths.runs_dir={folder}", *overrides]
        return standalone(compose("train", given, return_hydra_config=True))


@pytest.fixture(scope="session")
def run():
    """Function of a folder and overrides that trains and returns the run's folder."""

    def of(folder, *overrides):
        config = _compose_run(folder, *overrides)
        train(config)
        return Path(config.paths.output_dir)

    return of


@pytest.fixture(scope="session")
def finished_run(run, tmp_path_factory):
    """Folder of an uninterrupted run of three epochs with four steps each."""
    return run(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="session")
def read_curve():
    """Function of a run's folder and a name that gives the logged values by step."""

    def of(folder, name):
        curve = {}
        for path in sorted((folder / "logs").glob("*/metrics.csv")):
            with path.open() as lines:
                rows = [row for row in csv.DictReader(lines) if row.get(name)]
            curve.update({int(row["step"]): float(row[name]) for row in rows})
        return curve

    return of


@pytest.fixture
def check():
    """Function of overrides that checks the settings which they make."""

    def run(*overrides, config="train"):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            check_settings(standalone(compose(config, [*overrides], return_hydra_config=True)))

    return run
