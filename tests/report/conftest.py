"""Methods of made-up runs, and a few runs that training left."""

import pytest
from hydra import compose, initialize_config_dir

from peftsp.report.evaluation import evaluate
from peftsp.report.methods import group_runs
from peftsp.report.proteins import Proteins
from peftsp.runs.results import read_run
from peftsp.settings_folder import CONF
from peftsp.training.build import standalone
from peftsp.training.run import train

SHORT = (
    *("experiment=quickstart", "overwrite=false", "data.count=60", "data.batch_size=10"),
    *("trainer.max_epochs=2", "trainer.log_every_n_steps=1"),
    *("callbacks.progress_bar=null", "+trainer.enable_progress_bar=false"),
)


@pytest.fixture
def grouped():
    """Function of runs' folders that gives their methods."""
    return lambda *folders: group_runs(map(read_run, folders))


@pytest.fixture
def two_methods(make_run):
    """Two methods with six folds each, one clearly better, and their proteins."""
    folders = [make_run("good", fold, quality=0.95) for fold in range(6)]
    folders += [make_run("poor", fold, quality=0.5) for fold in range(6)]
    methods = group_runs(read_run(folder) for folder in folders)
    return methods, Proteins.of(methods)


@pytest.fixture(scope="session")
def trained_runs(tmp_path_factory):
    """Folder above four runs: two methods with two folds each, on generated proteins."""
    folder = tmp_path_factory.mktemp("trained")
    for method in ("lora", "frozen"):
        for fold in (0, 2):
            change = f"peft={method}", f"data.fold={fold}", f"paths.runs_dir={folder}/runs"
            with initialize_config_dir(str(CONF), version_base="1.3"):
                config = standalone(compose("train", [*SHORT, *change], return_hydra_config=True))
            train(config)
    return folder / "runs"


@pytest.fixture
def evaluations(two_methods):
    methods, proteins = two_methods
    return [evaluate(method, proteins, 20, 0, lambda draws: draws) for method in methods]
