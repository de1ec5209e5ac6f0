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

sys.path.insert(0, str(Path(__file__).parent))

from gate import open_gate, waiting

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = (
    *("experiment=nested_cv", "backbone=esm2_tiny", "data=synthetic", "data.count=60"),
    *("data.batch_size=5", "optimizer=adamw", "trainer=cpu", "trainer.max_epochs=2"),
    *("callbacks.progress_bar=null", "trainer.log_every_n_steps=1"),
)
LONG = ("trainer.max_epochs=3", "callbacks.early_stopping=null", "data.fold=0,1")
SLURM = (
    *("hydra/launcher=submitit_slurm", "hydra.launcher.gpus_per_node=null"),
    *("hydra.launcher.mem_gb=null", "hydra.launcher.cpus_per_task=1"),
)

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def needs(module):
    return pytest.importorskip(module, reason=f"{module} is not installed")


def start(python, folder, *settings):
    return subprocess.Popen(
        [python, str(REPOSITORY / "train.py"), "-m", *SMALL, *settings],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process):
    output, _ = process.communicate()
    return process.returncode, output


def weights(folder):
    """Bytes of every bundle's weights, by the run's name."""
    paths = Path(folder, "runs/nested_cv").glob("*/bundle/weights.safetensors")
    return {path.parents[1].name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def undisturbed(warm_python, tmp_path_factory):
    """Weights of the runs of two folds, made in one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    status, output = end(start(warm_python, folder, *LONG))
    assert status == 0, output
    return weights(folder)


@pytest.fixture
def disturbed(warm_python, tmp_path):
    """Function of settings and of what happens to the first of two runs, that sweeps.

    It happens when both have begun, and gets the first one's process.
    """

    def run(*settings, happens=lambda process: None):
        gate = (f"+callbacks.gate.folder={tmp_path}", "+callbacks.gate._target_=gate.Gate")
        process = start(warm_python, tmp_path, *LONG, *gate, *settings)
        while len(both := waiting(tmp_path)) < 2:
            if process.poll() is not None:
                pytest.fail(f"ended before it was waited for: {process.communicate()[0]}")
            time.sleep(0.1)
        try:
            happens(min(both.items())[1])
            open_gate(tmp_path)
            return end(process)
        finally:
            process.kill()

    return run


def signalled(number):
    return lambda process: os.kill(process, number)


def test_requeued_process_ends_as_if_undisturbed(tmp_path, undisturbed, disturbed):
    needs("submitit")
    status, output = disturbed("hydra/launcher=submitit_local", happens=signalled(signal.SIGUSR2))
    assert status == 0, output
    logs = "".join(p.read_text() for p in Path(tmp_path, "runs/.submitit").glob("*/*_log.*"))
    assert re.search(r"Requeued job \d+", logs)
    assert logs.count("starting from the beginning") == 2, "once for each run"
    assert weights(tmp_path) == undisturbed


def test_killed_process_does_not_end_the_wait_for_the_others(tmp_path, undisturbed, disturbed):
    needs("submitit")
    status, output = disturbed("hydra/launcher=submitit_local", happens=signalled(signal.SIGKILL))
    assert status == 1, output
    assert re.search(r"2 runs: 1 finished, 1 failed\nfailed: .*\n  job \d+: ", output), output
    assert disturbed("hydra/launcher=submitit_local")[0] == 0
    assert weights(tmp_path) == undisturbed


def test_ray_cluster_runs_a_sweep_and_takes_up_a_killed_run(tmp_path, undisturbed, disturbed):
    needs("ray")
    status, output = disturbed("hydra/launcher=ray", happens=signalled(signal.SIGKILL))
    assert status == 0, output
    assert weights(tmp_path) == undisturbed


def test_ray_cluster_runs_four_runs(warm_python, tmp_path):
    needs("ray")
    four = ("peft=lora,prompt", "data.fold=0,1", "trainer.max_epochs=1")
    status, output = end(start(warm_python, tmp_path, *four, "hydra/launcher=ray"))
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
    slurm, tmp_path, undisturbed, disturbed, command
):
    """The first is what comes before a time limit, the second what preemption does."""
    needs("submitit")

    def requeue(_):
        [first, *_] = Path(tmp_path, "runs/.submitit").glob("*_0")
        subprocess.run([*command, first.name], check=True, timeout=30)
        # Nothing tells that the signal has come.
        time.sleep(5)

    status, output = disturbed(*SLURM, happens=requeue)
    assert status == 0, output
    [first, *_] = Path(tmp_path, "runs/.submitit").glob("*_0")
    # A process ends some time after it has left its result.
    while "RUNNING" in (states := states_of(first.name)):
        time.sleep(0.5)
    assert {"REQUEUED", "COMPLETED"} <= states
    assert weights(tmp_path) == undisturbed


def states_of(job):
    """States that a job has been in, as Slurm's accounts tell."""
    asked = ["sacct", "--noheader", "--duplicates", "--format=State", "--jobs", job]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30)
    return set(done.stdout.split())
