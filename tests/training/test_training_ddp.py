"""Two processes train as one does with batches of twice the size."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from peftsp.model.bundle import read_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
# Dropout draws differ between processes.
SAME = (
    "experiment=quickstart",
    "data.count=60",
    "trainer.max_epochs=2",
    "trainer.log_every_n_steps=1",
    "peft.dropout=0",
    "head.dropout=0",
)


def read_table(path):
    with path.open() as lines:
        return list(csv.DictReader(lines))


SIGNAL_THE_FIRST = """
import os, runpy, signal, sys, time
sys.argv[0] = __file__
from peftsp.training.randomness import StepSeed
seed_step = StepSeed.on_train_batch_start
def stop(self, trainer, module, batch, index):
    if trainer.global_rank == 0 and (trainer.current_epoch, index) == (1, 1):
        time.sleep(3)  # the other waits for this one's loss by then
        os.kill(os.getpid(), signal.SIGTERM)
    seed_step(self, trainer, module, batch, index)
StepSeed.on_train_batch_start = stop
from peftsp.training.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_signalled_processes_save_together_and_end(warm_python, tmp_path):
    script = tmp_path / "signalled.py"
    script.write_text(SIGNAL_THE_FIRST)
    ended = subprocess.run(
        [
            *(warm_python, str(script), *SAME, "data.batch_size=5", "trainer=ddp"),
            *("trainer.accelerator=cpu", f"paths.runs_dir={tmp_path}/two"),
        ],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 143, ended.stderr
    [point] = (tmp_path / "two").rglob("last.ckpt")
    assert torch.load(point, weights_only=True)["global_step"] == 4


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_two_processes_equal_one_with_batches_of_twice_the_size(
    run, read_curve, warm_python, tmp_path
):
    ended = subprocess.run(
        [
            *(warm_python, str(REPOSITORY / "train.py"), *SAME, "data.batch_size=5"),
            *("trainer=ddp", "trainer.accelerator=cpu", f"paths.runs_dir={tmp_path}/two"),
        ],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("kingdom") == 1, "one process shows the table"
    assert "sync_dist" not in ended.stderr
    [bundle] = (tmp_path / "two").rglob("bundle")
    expected = run(tmp_path / "one", *SAME, "data.batch_size=10")
    for name in ("train/loss", "train/nll", "val/nll"):
        found, whole = read_curve(bundle.parent, name), read_curve(expected, name)
        assert len(found) == (2 if name == "val/nll" else 4)
        assert found == pytest.approx(whole, rel=1e-4), name
    found, whole = (read_bundle(path).training["metrics"] for path in (bundle, expected / "bundle"))
    assert found == pytest.approx(whole, abs=1e-4)
    found, whole = (
        load_file(path / "weights.safetensors") for path in (bundle, expected / "bundle")
    )
    tables = [read_table(place / "test_predictions.csv") for place in (bundle.parent, expected)]
    truth = ("accession", "partition", "kingdom", "sp_type", "cleavage_site", "membrane_start")
    two, one = ([[row[n] for n in truth] for row in table] for table in tables)
    assert two == one, "every test protein once, in the same order"
    records = [json.loads((p / "run.json").read_text()) for p in (bundle.parent, expected)]
    assert [record["cost"]["processes"] for record in records] == [2, 1]
    assert records[0]["dataset"] == records[1]["dataset"]
    for name, tensor in whole.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=2e-3)
