"""Run folders: made-up ones, and a few that training left."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict

from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.report.methods import group_runs
from peftsp.report.proteins import Proteins
from peftsp.report.run_folders import read_run
from peftsp.runs import (
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    Cost,
    DatasetIdentity,
    RunRecord,
    write_record,
)
from peftsp.training.run import train

CONF = Path(__file__).resolve().parents[2] / "conf"
TEST_PARTITION = (0, 0, 1, 1, 2, 2)
SHORT = (
    *("experiment=quickstart", "overwrite=false", "data.count=60", "data.batch_size=10"),
    *("trainer.max_epochs=2", "trainer.log_every_n_steps=1"),
    *("callbacks.progress_bar=null", "+trainer.enable_progress_bar=false"),
)


def protein_rows(partition, quality, seed):
    """Rows of 400 proteins, of which a share is predicted right."""
    truth = np.random.default_rng(partition)
    draws = np.random.default_rng((seed, partition))
    for number in range(400):
        kingdom, sp_type = truth.integers(0, 4), int(truth.integers(0, 6) * truth.integers(0, 2))
        site = int(truth.integers(18, 30)) if sp_type else ""
        membrane = "" if sp_type else int(truth.integers(10, 60))
        found = sp_type if draws.random() < quality else int(draws.integers(0, 6))
        found_site = int((site or 22) + draws.integers(-2, 3)) if found else ""
        shares = np.full(6, 0.05)
        shares[found] = 0.75
        ends = [5, 14, found_site] if found else ["", "", ""]
        yield [
            *(f"P{partition}-{number:03d}", partition, KINGDOMS[kingdom]),
            *(SP_TYPES[sp_type], site, membrane, SP_TYPES[found], found_site),
            *(f"{share:.6f}" for share in shares),
            *ends,
        ]


@pytest.fixture
def make_run(tmp_path):
    """Function of a method, fold, seed and quality that writes a run's folder."""

    def make(method="lora", fold=0, seed=1, quality=0.7, sha256="a" * 64, **settings):
        folder = tmp_path / "runs" / f"{method}-fold{fold}-seed{seed}-{len(settings)}"
        (folder / "logs" / "version_0").mkdir(parents=True)
        with (folder / PREDICTIONS_FILE).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(PREDICTION_COLUMNS)
            draws = seed + 10 * fold + len(method)
            writer.writerows(protein_rows(TEST_PARTITION[fold], quality, draws))
        curves = "epoch,step,train/nll,val/nll\n0,0,60.5,\n0,1,50.5,\n0,1,,48.0\n"
        (folder / "logs" / "version_0" / "metrics.csv").write_text(curves)
        data = {"fold": fold, "seed": seed, "train_splits": ["train"]}
        record = RunRecord(
            name=folder.name,
            method=method,
            backbone="tiny",
            fold=fold,
            seed=seed,
            dataset=DatasetIdentity(6, 360, sha256),
            cost=Cost(1000, 5000, 12.5, 1, 2_000_000, None, 5000, 3000),
            settings={"name": folder.name, "seed": seed, "data": data, **settings},
        )
        write_record(record, folder)
        return folder

    return make


@pytest.fixture
def two_methods(make_run):
    """Two methods with six folds each, one clearly better, and their proteins."""
    folders = [make_run("good", fold, quality=0.95) for fold in range(6)]
    folders += [make_run("poor", fold, quality=0.5) for fold in range(6)]
    methods = group_runs(read_run(folder) for folder in folders)
    return methods, Proteins.of(methods)


@pytest.fixture
def edit_record():
    """Function of a run's folder and changes that changes what its record says."""

    def edit(folder, **changes):
        path = folder / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


@pytest.fixture(scope="session")
def trained_runs(tmp_path_factory):
    """Folder above four runs: two methods with two folds each, on generated proteins."""
    folder = tmp_path_factory.mktemp("trained")
    for method in ("lora", "frozen"):
        for fold in (0, 2):
            change = f"peft={method}", f"data.fold={fold}", f"paths.runs_dir={folder}/runs"
            with initialize_config_dir(str(CONF), version_base="1.3"):
                config = compose("train", [*SHORT, *change], return_hydra_config=True)
            HydraConfig.instance().set_config(config)
            with open_dict(config):
                del config["hydra"]
            OmegaConf.resolve(config)
            HydraConfig.instance().cfg = None
            train(config)
    return folder / "runs"
