"""Sweeps on schedulers: submitit's processes on this machine, a Ray cluster, Slurm."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = (
    *("experiment=nested_cv", "backbone=esm2_tiny", "data=synthetic", "data.count=60"),
    *("data.batch_size=5", "optimizer=adamw", "trainer=cpu", "trainer.max_epochs=2"),
    *("callbacks.progress_bar=null", "trainer.log_every_n_steps=1"),
)
LONG = ("trainer.max_epochs=40", "callbacks.early_stopping=null")
SLURM = (
    *("hydra/launcher=submitit_slurm", "hydra.launcher.gpus_per_node=null"),
    *("hydra.launcher.mem_gb=null", "hydra.launcher.cpus_per_task=1"),
)

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def needs(module):
    return pytest.importorskip(module, reason=f"{module} is not installed")


def start(folder, *settings):
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "train.py"), "-m", *SMALL, *settings],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def sweep(folder, *settings):
    process = start(folder, *settings)
    output, _ = process.communicate()
    return process.returncode, output


def weights(folder):
    """Bytes of every bundle's weights, by the run's name."""
    paths = Path(folder, "runs/nested_cv").glob("*/bundle/weights.safetensors")
    return {path.parents[1].name: path.read_bytes() for path in paths}


def wait_for(find, process):
    """What ``find`` gives, as soon as it does, while a process goes on."""
    while not (found := find()):
        if process.poll() is not None:
            pytest.fail(f"ended before it was waited for: {process.communicate()[0]}")
        time.sleep(0.1)
    return found


def have_begun(folder):
    """Whether both runs have left a resume point."""
    return lambda: len([*Path(folder, "runs/nested_cv").glob("*/checkpoints/last.ckpt")]) == 2


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Weights of the long runs of two folds, made in one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    status, output = sweep(folder, *LONG, "data.fold=0,1")
    assert status == 0, output
    return weights(folder)


def submitit_process(folder):
    """Number of the first run's process: submitit names folders by that of its parent."""
    for place in sorted(Path(folder, "runs/.submitit").iterdir()):
        children = Path(f"/proc/{place.name}/task/{place.name}/children")
        if children.exists() and (numbers := children.read_text().split()):
            return int(numbers[0])
    return None


def test_requeued_process_ends_as_if_undisturbed(tmp_path, undisturbed):
    needs("submitit")
    process = start(tmp_path, *LONG, "data.fold=0,1", "hydra/launcher=submitit_local")
    wait_for(have_begun(tmp_path), process)
    os.kill(wait_for(lambda: submitit_process(tmp_path), process), signal.SIGUSR2)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    logs = "".join(p.read_text() for p in Path(tmp_path, "runs/.submitit").glob("*/*_log.*"))
    assert re.search(r"Requeued job \d+", logs)
    assert logs.count("starting from the beginning") == 2, "once for each run"
    assert weights(tmp_path) == undisturbed


def test_killed_process_does_not_end_the_wait_for_the_others(tmp_path, undisturbed):
    needs("submitit")
    process = start(tmp_path, *LONG, "data.fold=0,1", "hydra/launcher=submitit_local")
    wait_for(have_begun(tmp_path), process)
    os.kill(wait_for(lambda: submitit_process(tmp_path), process), signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert re.search(r"2 runs: 1 finished, 1 failed\nfailed: .*\n  job \d+: ", output), output
    assert sweep(tmp_path, *LONG, "data.fold=0,1", "hydra/launcher=submitit_local")[0] == 0
    assert weights(tmp_path) == undisturbed


def test_ray_cluster_runs_a_sweep_and_takes_up_a_killed_run(tmp_path, undisturbed):
    needs("ray")
    process = start(tmp_path, *LONG, "data.fold=0,1", "hydra/launcher=ray")
    wait_for(have_begun(tmp_path), process)
    os.kill(wait_for(lambda: ray_process(process.pid), process), signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert weights(tmp_path) == undisturbed


def ray_process(driver):
    """Number of a process that runs a task for a driver's own cluster."""
    import psutil

    for child in psutil.Process(driver).children(recursive=True):
        if child.name() == "ray::__call__" or "ray::__call__" in " ".join(child.cmdline()):
            return child.pid
    return None


def test_ray_cluster_runs_four_runs(tmp_path):
    needs("ray")
    status, output = sweep(tmp_path, "peft=lora,prompt", "data.fold=0,1", "hydra/launcher=ray")
    assert status == 0, output
    assert "4 runs: 4 finished" in output
    assert len(weights(tmp_path)) == 4


@pytest.fixture
def slurm():
    """A Slurm controller that answers and keeps accounts."""
    if shutil.which("sbatch") is None:
        pytest.skip("sbatch is not installed")
    for command in (["sinfo", "--noheader"], ["sacct", "--noheader"]):
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if asked.returncode or "idle" not in asked.stdout + "idle" * (command[0] == "sacct"):
            pytest.skip(f"{command[0]} finds no Slurm in order: {asked.stderr or asked.stdout}")


@pytest.mark.parametrize("command", [["scancel", "--signal=USR2"], ["scontrol", "requeue"]])
def test_slurm_requeues_a_job_that_then_ends_as_if_undisturbed(
    slurm, tmp_path, undisturbed, command
):
    """The first is what comes before a time limit, the second what preemption does."""
    needs("submitit")
    process = start(tmp_path, *LONG, "data.fold=0,1", *SLURM)
    wait_for(have_begun(tmp_path), process)
    [first, *_] = Path(tmp_path, "runs/.submitit").glob("*_0")
    subprocess.run([*command, first.name], check=True, timeout=30)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    asked = subprocess.run(
        ["sacct", "--noheader", "--duplicates", "--format=State", "--jobs", first.name],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert {"REQUEUED", "COMPLETED"} <= set(asked.stdout.split())
    assert weights(tmp_path) == undisturbed
