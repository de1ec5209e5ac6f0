"""A run goes on from one process to two that share the parameters out, and back."""

import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

REPOSITORY = Path(__file__).resolve().parents[2]
# Dropout draws differ between processes.
SAME = (
    *("experiment=quickstart", "data.count=60", "trainer.log_every_n_steps=1"),
    *("peft=lora", "peft.last_k=1", "peft.dropout=0", "head.dropout=0"),
    *("optimizer=adamax", "callbacks.best.monitor=null"),
)
ONE = ("data.batch_size=10",)
TWO = ("data.batch_size=5", "trainer=fsdp", "trainer.accelerator=cpu", "trainer.precision=32-true")


DIVERGE = """
import sys, torch
sys.argv[0] = __file__
from peftsp.training.resume import ResumePoint
save = ResumePoint._save
def lose(self, trainer):
    with torch.no_grad():
        for parameter in trainer.lightning_module.tagger.head.parameters():
            parameter.fill_(torch.nan)
    save(self, trainer)
ResumePoint._save = lose
from peftsp.training.cli import main
main()
"""


def start(python, *settings, folder, script=REPOSITORY / "train.py"):
    return subprocess.run(
        [python, str(script), *settings, f"paths.runs_dir={folder}"],
        cwd=folder.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def run_command(python, *settings, folder):
    ended = start(python, *settings, folder=folder)
    assert ended.returncode == 0, ended.stderr
    assert "prefix cache: not used, the backbone is shared out" in ended.stdout
    [bundle] = folder.rglob("bundle")
    return bundle.parent


def going_on_from(folder):
    return f"ckpt_path={folder}/checkpoints/last.ckpt"


def contents_of(folder):
    """Names and shapes of the tensors in a checkpoint, which are all plain ones."""
    saved = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    [optimizer] = saved["optimizer_states"]
    return [shapes(saved["state_dict"]), *map(shapes, optimizer["state"].values())]


def shapes(tensors):
    return {name: (type(tensor), tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_run_goes_on_in_two_processes_and_then_in_one(run, read_curve, warm_python, tmp_path):
    whole = run(tmp_path / "whole", *SAME, *ONE, "trainer.max_epochs=3")
    first = run(tmp_path / "first", *SAME, *ONE, "trainer.max_epochs=1")
    changes = (*TWO, "trainer.max_epochs=2", going_on_from(first))
    second = run_command(warm_python, *SAME, *changes, folder=tmp_path / "second")
    third = run(tmp_path / "third", *SAME, *ONE, "trainer.max_epochs=3", going_on_from(second))
    expected = read_curve(whole, "train/loss")
    steps = [sorted(read_curve(part, "train/loss")) for part in (first, second, third)]
    assert steps == [[0, 1], [2, 3], [4, 5]]
    for part in (second, third):
        found = read_curve(part, "train/loss")
        assert found == pytest.approx({step: expected[step] for step in found}, rel=1e-4)
    assert contents_of(second) == contents_of(first)
    found, weights = (load_file(part / "bundle/weights.safetensors") for part in (third, whole))
    for name, tensor in weights.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=2e-3)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_weights_that_are_not_finite_end_both_processes(warm_python, tmp_path):
    """The first one alone holds them when a checkpoint is written."""
    script = tmp_path / "diverging.py"
    script.write_text(DIVERGE)
    ended = start(
        warm_python,
        *SAME,
        *TWO,
        "callbacks.resume_point.minutes=0",
        folder=tmp_path / "runs",
        script=script,
    )
    assert ended.returncode == 2, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].split(".")[:2] for line in sorted(lines, key=len)] == [
        [" a trained tensor"],
        [" tagger", "head"],
    ]
    assert all("expected finite numbers, found nan" in line for line in lines)
    assert not list(tmp_path.rglob("*.ckpt"))
