"""Which process of a run this is, and whether there are as many as were asked for."""

import json

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only

from peftsp.errors import ConfigError
from peftsp.training.processes import check_processes, count_processes, is_first_process


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        *(({"devices": 1}, 1), ({"devices": "2"}, 2), ({"devices": [3]}, 1)),
        *(({"devices": 2, "num_nodes": 4}, 8), ({"devices": -1}, None), ({}, None)),
    ],
)
def test_processes_are_counted(settings, count):
    assert count_processes(settings) == count


@pytest.fixture
def third(monkeypatch):
    """A process that a scheduler has started as the third of several."""
    monkeypatch.setattr(rank_zero_only, "rank", 2)


@pytest.mark.usefixtures("third")
def test_only_process_is_the_first_whatever_its_number():
    assert not is_first_process({"devices": 4})
    assert is_first_process({"devices": 1})


@pytest.mark.usefixtures("third")
def test_run_of_one_process_leaves_its_record_whatever_its_number(run, tmp_path):
    folder = run(tmp_path, "trainer.max_epochs=1")
    assert json.loads((folder / "run.json").read_text())["ended"]
    assert (folder / "train.log").is_file()


def test_devices_without_a_process_each_are_refused(monkeypatch):
    variables = {"NTASKS": 1, "JOB_NAME": "job", "JOB_ID": 1, "PROCID": 0, "LOCALID": 0}
    for name, value in {**variables, "NODEID": 0, "NODELIST": "one"}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp", logger=False)
    message = r"trainer\.devices: expected a process for each of the devices, 2, found 1: srun"
    with pytest.raises(ConfigError, match=message):
        check_processes(trainer)


def test_processes_that_lightning_starts_are_as_many_as_devices():
    check_processes(Trainer(accelerator="cpu", devices=2, strategy="ddp", logger=False))
