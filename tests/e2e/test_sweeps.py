"""Sweeps as a user starts them, breaks them off and starts them again."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins

from peftsp.training.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = (
    *("experiment=nested_cv", "backbone=esm2_tiny", "data=synthetic", "data.count=60"),
    *("data.batch_size=5", "optimizer=adamw", "trainer=cpu", "trainer.max_epochs=2"),
    *("callbacks.progress_bar=null", "trainer.log_every_n_steps=1"),
)

pytestmark = pytest.mark.slow


@pytest.fixture
def sweep(tmp_path, monkeypatch, capfd):
    """Function of settings that sweeps in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def run(*settings):
        monkeypatch.setattr(sys, "argv", ["train.py", *SMALL, *settings, "-m"])
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        return SimpleNamespace(returncode=status, **capfd.readouterr()._asdict())

    yield run
    HydraConfig.instance().cfg = None


@pytest.fixture(scope="module")
def whole(warm_python, tmp_path_factory):
    """Folder of a sweep of two folds, side by side, that nothing happens to."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="no hydra-joblib-launcher")
    folder = tmp_path_factory.mktemp("whole")
    side_by_side = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    ended = sweep_in_process(warm_python, folder, "data.fold=0,1", *side_by_side)
    assert ended.returncode == 0, ended.stderr
    assert len(folders(folder)) == 2
    return folder


def sweep_in_process(python, folder, *settings, first=""):
    """Sweep in a process of its own, after some code."""
    code = f"{first}\nfrom peftsp.training.cli import main\nmain()"
    return subprocess.run(
        [python, "-c", code, "-m", *SMALL, *settings],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def folders(tmp_path):
    """Names of the finished runs, sorted."""
    return sorted(p.parent.name for p in Path(tmp_path, "runs/nested_cv").glob("*/bundle"))


def weights(tmp_path):
    """Bytes of every bundle's weights, by the run's name."""
    paths = Path(tmp_path, "runs/nested_cv").glob("*/bundle/weights.safetensors")
    return {path.parents[1].name: path.read_bytes() for path in paths}


def test_nested_cross_validation_has_six_folds_unless_told_otherwise(sweep, tmp_path):
    ended = sweep("trainer.max_epochs=1", "data.batch_size=20")
    assert ended.returncode == 0, ended.err
    assert folders(tmp_path) == [f"esm2_tiny-lora-synthetic-fold{k}-seed1" for k in range(6)]


def test_failed_run_is_listed_and_the_others_end(sweep, tmp_path):
    ended = sweep("data.fold=0,1", "peft.rank=0,2")
    assert ended.returncode == 1
    assert folders(tmp_path) == [
        f"esm2_tiny-lora-synthetic-peft.rank_2-fold{k}-seed1" for k in "01"
    ]
    told = ended.out[ended.out.index("4 runs: 2 finished, 2 failed") :]
    assert told.count("peft.rank: expected a number above 0, found 0") == 2
    for log in re.findall(r"log: (\S+)", told):
        assert "Traceback" in (tmp_path / log).read_text()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    again = sweep("data.fold=0,1", "peft.rank=0,2")
    assert again.out.startswith("4 runs, 2 of them finished before\n")
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")} == before


def test_setting_that_nothing_takes_stops_a_sweep_before_it_starts(sweep, tmp_path):
    ended = sweep("data.fold=0,1", "+peft.rnk=2,3")
    assert ended.returncode == 2
    assert ended.err.startswith("error: peft.rnk: expected one of alpha, ")
    assert not (tmp_path / "runs").exists()


def test_sweep_starts_over_once_and_what_it_launches_again_goes_on(sweep, tmp_path, monkeypatch):
    name = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    launcher = Plugins.instance().class_name_to_class[name]
    launch = launcher.launch

    def launch_twice(*given, **settings):
        launch(*given, **settings)
        return launch(*given, **settings)

    assert sweep("data.fold=0").returncode == 0
    monkeypatch.setattr(launcher, "launch", launch_twice)
    [log] = tmp_path.rglob("train.log")
    before = log.read_text()
    again = sweep("data.fold=0", "overwrite=true")
    assert again.out.startswith("1 runs, 0 of them finished before\n")
    assert "starting from the beginning" in log.read_text().removeprefix(before)
    assert again.out.count("this run is finished, nothing to do") == 1


def test_sweep_of_several_processes_needs_a_launcher_that_starts_them(sweep, tmp_path):
    ended = sweep("data.fold=0,1", "trainer=ddp", "trainer.accelerator=cpu")
    assert ended.returncode == 2
    assert ended.err.startswith("error: trainer.devices: expected 1 in a sweep, found 2: several ")
    assert not (tmp_path / "runs").exists()


STOP_IN_FOLD_1 = """
import os, signal
from peftsp.training.randomness import StepSeed
seed_step = StepSeed.on_train_batch_start
def stop(self, trainer, module, batch, index):
    folder = str(trainer.default_root_dir)
    if "fold1" in folder and (trainer.current_epoch, index) == (1, 2):
        os.kill(os.getpid(), signal.{name})
    seed_step(self, trainer, module, batch, index)
StepSeed.on_train_batch_start = stop
"""


@pytest.mark.parametrize(("name", "status"), [("SIGKILL", -signal.SIGKILL), ("SIGTERM", 143)])
def test_broken_off_sweep_goes_on_where_it_was(sweep, whole, warm_python, tmp_path, name, status):
    stop = STOP_IN_FOLD_1.format(name=name)
    ended = sweep_in_process(warm_python, tmp_path, "data.fold=0,1", first=stop)
    assert ended.returncode == status, ended.stderr
    assert [f[-11:] for f in folders(tmp_path)] == ["fold0-seed1"]
    again = sweep("data.fold=0,1")
    assert again.returncode == 0, again.err
    assert again.out.startswith("2 runs, 1 of them finished before\n")
    assert weights(tmp_path) == weights(whole)


def test_changed_settings_do_not_pass_for_a_finished_run(sweep, whole, tmp_path):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    ended = sweep("data.fold=0,1", "optimizer.lr=0.3")
    assert ended.returncode == 2
    assert re.match(r"error: .*optimizer.lr=0.001, found optimizer.lr=0.3: exp", ended.err)
