"""A scheduler's warning saves a resume point first, then takes effect."""

import importlib
import os
import signal
from types import SimpleNamespace

import pytest

from peftsp.training import preemption
from peftsp.training.preemption import saving_before_the_end
from peftsp.training.resume import ResumePoint


class FakeTrainer:
    """As much of a trainer as a warning asks for."""

    def __init__(self, point, training=True, started=True):
        self.checkpoint_callbacks = [point]
        self.callbacks = [point]
        self.training = training
        self.accumulate_grad_batches = 1
        self.num_training_batches = self.val_check_batch = 6
        self.check_val_every_n_epoch = 1
        self.received_sigterm = False
        self.world_size = 1
        self.is_global_zero = True
        self.strategy = SimpleNamespace(broadcast=lambda value: value, barrier=lambda name: None)
        if started:
            point.on_train_start(self, None)

    def save_checkpoint(self, path):
        path.write_text("point")


@pytest.fixture
def told(monkeypatch):
    """What the handlers that were there before have been told."""
    told = []
    handlers = [(n, signal.getsignal(n)) for n in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)]
    for number, _ in handlers:
        signal.signal(number, lambda n, frame: told.append(n))
    yield told
    for number, handler in handlers:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_handler_waits_for_the_point_after_the_batch(tmp_path, told, number):
    point = ResumePoint(tmp_path, minutes=60)
    trainer = FakeTrainer(point)
    with saving_before_the_end(trainer):
        os.kill(os.getpid(), number)
        assert told == []
        assert not point.path.exists()
        point.on_train_batch_end(trainer, None, None, None, 0)
        assert point.path.exists()
        assert told == [number]
        point.on_train_batch_end(trainer, None, None, None, 1)
        assert told == [number]
    os.kill(os.getpid(), number)
    assert told == [number, number]


def test_validation_is_not_waited_for(tmp_path, told):
    point = ResumePoint(tmp_path, minutes=60)
    trainer = FakeTrainer(point)
    with saving_before_the_end(trainer):
        os.kill(os.getpid(), signal.SIGUSR2)
        point.on_train_batch_end(trainer, None, None, None, trainer.num_training_batches - 1)
        assert told == []
        point.on_validation_start(trainer, None)
        assert told == [signal.SIGUSR2]


@pytest.mark.parametrize("place", [{"training": False}, {"started": False}])
def test_handler_is_called_at_once_while_nothing_trains(tmp_path, told, place):
    with saving_before_the_end(FakeTrainer(ResumePoint(tmp_path, 60), **place)):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert told == [signal.SIGUSR1]


def test_without_a_handler_the_warning_is_a_sigterm(tmp_path, told):
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    with saving_before_the_end(FakeTrainer(ResumePoint(tmp_path, 60))):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert told == [signal.SIGTERM]


def test_without_such_signals_a_run_goes_on_all_the_same(tmp_path, monkeypatch):
    """As on Windows."""
    with monkeypatch.context() as windows:
        for name in ("SIGUSR1", "SIGUSR2"):
            windows.delattr(signal, name)
        elsewhere = importlib.reload(preemption)
        assert elsewhere.SIGNALS == ()
        with elsewhere.saving_before_the_end(FakeTrainer(ResumePoint(tmp_path, minutes=60))):
            pass
    assert len(importlib.reload(preemption).SIGNALS) == 2
