"""Time and memory of fitting, over stops and starts."""

import csv
import json
from types import SimpleNamespace

import pytest
import torch

from peftsp.training import cost as cost_file
from peftsp.training.cost import CostMeter
from peftsp.training.randomness import StepSeed


@pytest.fixture
def resident(monkeypatch):
    """Sizes that the process is made to have, one after the other."""
    sizes = []

    class Process:
        def memory_info(self):
            return SimpleNamespace(rss=sizes.pop(0))

    monkeypatch.setattr(cost_file.psutil, "Process", Process)
    return sizes


def single_process():
    strategy = SimpleNamespace(
        root_device=torch.device("cpu"), reduce=lambda tensor, reduce_op: tensor
    )
    return SimpleNamespace(strategy=strategy)


def test_memory_is_the_most_that_was_seen(resident):
    resident[:] = [300, 900, 500, 100]
    meter, module = CostMeter(), SimpleNamespace(device=torch.device("cpu"))
    for _ in range(2):
        meter.on_before_backward()
        meter.on_after_backward(None, module)
    assert meter.peaks(single_process()) == (900, None)


def test_most_of_all_processes_counts():
    meter = CostMeter()
    meter.memory, meter.gpu_memory = 5, 7
    trainer = single_process()
    trainer.strategy.reduce = lambda tensor, reduce_op: torch.maximum(
        tensor, torch.tensor([9, 3]) if reduce_op == "max" else tensor
    )
    assert meter.peaks(trainer) == (9, 7)


def test_state_goes_on(resident):
    resident[:] = [900, 400]
    meter, module = CostMeter(), SimpleNamespace(device=torch.device("cpu"))
    meter.on_train_start(None, module)
    meter.on_before_backward()
    state = meter.state_dict()
    state["time_elapsed"]["train"] += 1000
    later = CostMeter()
    later.load_state_dict(state)
    later.on_before_backward()
    assert later.memory == 900
    assert 1000 <= later.time_elapsed() < 1001


def test_test_of_the_best_checkpoint_adds_no_time(run, tmp_path, monkeypatch):
    def slow(self, trainer, pl_module):
        self._start_time["train"] -= 500 if trainer.current_epoch == 0 else 0

    monkeypatch.setattr(CostMeter, "on_train_epoch_start", slow)
    folder = run(tmp_path, "trainer.max_epochs=2", "data.batch_size=20")
    seconds = json.loads((folder / "run.json").read_text())["cost"]["fit_seconds"]
    assert 500 < seconds < 700


def test_time_before_a_stop_counts(run, tmp_path, monkeypatch):
    def slow(self, trainer, pl_module):
        self._start_time["train"] -= 500 if trainer.current_epoch == 0 else 0

    def stop(self, trainer, *_):
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CostMeter, "on_train_epoch_start", slow)
        patch.setattr(StepSeed, "on_train_batch_start", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    folder = run(tmp_path, "ckpt_path=last")
    seconds = json.loads((folder / "run.json").read_text())["cost"]["fit_seconds"]
    assert 500 < seconds < 700


def test_fitting_ends_where_its_time_does(run, tmp_path, monkeypatch):
    def slow(self, trainer, pl_module):
        self._start_time["train"] -= 500

    monkeypatch.setattr(CostMeter, "on_train_epoch_start", slow)
    folder = run(tmp_path, "trainer.max_epochs=9", "+trainer.max_time={minutes: 12}")
    [curves] = folder.glob("logs/**/metrics.csv")
    with curves.open() as lines:
        epochs = {int(row["epoch"]) for row in csv.DictReader(lines) if row["train/loss"]}
    assert epochs == {0, 1}
