"""When resume points are made, and that a run which goes on from one ends as if never stopped."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from safetensors.torch import load_file

from peftsp.model.bundle import read_bundle
from peftsp.training.module import SignalPeptideModule
from peftsp.training.randomness import StepSeed
from peftsp.training.resume import ResumePoint

REPOSITORY = Path(__file__).resolve().parents[2]


class FakeTrainer:
    """As much of a trainer as a resume point asks for."""

    def __init__(self, accumulated=1, validated_every=6):
        self.accumulate_grad_batches = accumulated
        self.num_training_batches = 6
        self.check_val_every_n_epoch = 1
        self.val_check_batch = validated_every
        self.received_sigterm = False
        self.is_global_zero = True
        self.callbacks = []
        self.strategy = SimpleNamespace(broadcast=lambda value: value, barrier=lambda name: None)
        self.content = "first"

    def save_checkpoint(self, path):
        path.write_text(self.content)


def saved_after(point, trainer):
    """Batches of an epoch after which a point is made."""
    saved = []
    for index in range(trainer.num_training_batches):
        point.path.unlink(missing_ok=True)
        point.on_train_batch_end(trainer, None, None, None, index)
        if point.path.exists():
            saved.append(index)
    return saved


@pytest.mark.parametrize(("accumulated", "expected"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), (4, [3])])
def test_points_are_made_between_steps_and_not_before_a_due_validation(
    tmp_path, accumulated, expected
):
    assert saved_after(ResumePoint(tmp_path, minutes=0), FakeTrainer(accumulated)) == expected


def test_no_point_is_made_in_front_of_a_validation_within_an_epoch(tmp_path):
    assert saved_after(ResumePoint(tmp_path, minutes=0), FakeTrainer(1, 2)) == [0, 2, 4]


def test_points_wait_for_the_clock_but_not_after_sigterm(tmp_path):
    point, trainer = ResumePoint(tmp_path, minutes=60), FakeTrainer()
    assert saved_after(point, trainer) == []
    trainer.received_sigterm = True
    assert saved_after(point, trainer) == [0, 1, 2, 3, 4]


def test_each_epoch_ends_with_a_point(tmp_path):
    point = ResumePoint(tmp_path, minutes=60)
    point.on_train_epoch_end(FakeTrainer(), None)
    assert point.path == tmp_path / "last.ckpt"
    assert point.path.read_text() == "first"


def test_failed_write_keeps_the_point_before(tmp_path):
    point, trainer = ResumePoint(tmp_path, minutes=0), FakeTrainer()
    point.on_train_epoch_end(trainer, None)

    def fail(path):
        path.write_text("half a")
        raise OSError("no space left on device")

    trainer.save_checkpoint = fail
    with pytest.raises(OSError, match="no space"):
        point.on_train_epoch_end(trainer, None)
    assert point.path.read_text() == "first"


class PowerCutError(Exception):
    """Stands for whatever ends a process at once."""


def cut_power(monkeypatch, hook, epoch, batch=0):
    """Let a run die in a hook that a callback has, at a place."""
    seed_step = StepSeed.on_train_batch_start

    def die(self, trainer, *arguments):
        index = arguments[2] if len(arguments) > 2 else 0
        if (trainer.current_epoch, index) == (epoch, batch):
            raise PowerCutError
        if hook == "on_train_batch_start":
            seed_step(self, trainer, *arguments)

    monkeypatch.setattr(StepSeed, hook, die, raising=False)


@pytest.fixture
def run_cut(run, monkeypatch):
    """Function of a folder and overrides that lets a run die at a place, and goes on with it."""

    def of(folder, *overrides, at, moved_to=None):
        with monkeypatch.context() as patch:
            cut_power(patch, *at)
            with pytest.raises(PowerCutError):
                run(folder, *overrides)
        if moved_to:
            folder = folder.rename(moved_to)
        return run(folder, *overrides, "ckpt_path=last")

    return of


def assert_same(folder, expected, read_curve, after):
    """The same losses after a step, and a bundle that is the same to the last bit."""
    for name in ("train/loss", "val/score", "val/nll", "test/score", "learning rate"):
        found, whole = read_curve(folder, name), read_curve(expected, name)
        assert {s: v for s, v in found.items() if s >= after} == {
            s: v for s, v in whole.items() if s >= after
        }, name
        assert found.items() <= whole.items()
        assert whole
    weights, theirs = (
        load_file(place / "bundle" / "weights.safetensors") for place in (folder, expected)
    )
    assert weights.keys() == theirs.keys()
    assert all(torch.equal(weights[name], theirs[name]) for name in weights)
    made, wanted = (
        {**read_bundle(place / "bundle").training, "name": ""} for place in (folder, expected)
    )
    assert made == wanted
    assert (folder / "metrics.csv").read_bytes() == (expected / "metrics.csv").read_bytes()


@pytest.mark.parametrize(
    ("minutes", "hook", "epoch", "batch", "after"),
    [
        pytest.param(0, "on_train_batch_start", 0, 2, 2, id="first-epoch"),
        pytest.param(0, "on_train_batch_start", 1, 2, 6, id="mid-epoch"),
        pytest.param(60, "on_train_batch_start", 1, 2, 6, id="behind-a-point"),
        pytest.param(0, "on_validation_start", 1, 0, 8, id="validation"),
        pytest.param(60, "on_train_epoch_start", 2, 0, 8, id="between-epochs"),
        pytest.param(60, "on_fit_end", 3, 0, 12, id="before-test"),
    ],
)
def test_stopped_run_ends_as_the_uninterrupted_one(
    run_cut, finished_run, read_curve, tmp_path, minutes, hook, epoch, batch, after
):
    clock = f"callbacks.resume_point.minutes={minutes}"
    folder = run_cut(tmp_path, clock, at=(hook, epoch, batch))
    assert_same(folder, finished_run, read_curve, after)


@pytest.mark.parametrize("batch", [2, 3])
def test_accumulated_gradients_survive_a_stop(run, run_cut, read_curve, tmp_path, batch):
    changes = ("trainer.accumulate_grad_batches=2", "callbacks.resume_point.minutes=0")
    expected = run(tmp_path / "whole", *changes)
    folder = run_cut(tmp_path / "cut", *changes, at=("on_train_batch_start", 1, batch))
    assert_same(folder, expected, read_curve, after=4)


def test_averaged_weights_survive_a_stop(run, run_cut, finished_run, read_curve, tmp_path):
    averaging = (
        "+callbacks.averaging={_target_: peftsp.training.averaging.AveragedWeights, decay: 0.8}"
    )
    changes = (averaging, "callbacks.resume_point.minutes=0")
    expected = run(tmp_path / "whole", *changes)
    folder = run_cut(tmp_path / "cut", *changes, at=("on_train_batch_start", 1, 2))
    assert_same(folder, expected, read_curve, after=6)
    averaged, plain = (
        load_file(place / "bundle" / "weights.safetensors") for place in (expected, finished_run)
    )
    assert not all(torch.equal(averaged[name], plain[name]) for name in plain)


def score_by_epoch(monkeypatch, scores):
    """Let validations find given scores."""

    def log(self, stage):
        self.log(f"{stage}/score", scores[self.current_epoch] if stage == "val" else 0.0)

    monkeypatch.setattr(SignalPeptideModule, "_log_metrics", log)


def test_best_epoch_before_a_stop_stays_the_best(run, run_cut, read_curve, tmp_path, monkeypatch):
    """A resume point that forgot its score, or whose file moved, would take the third for it."""
    score_by_epoch(monkeypatch, [0.1, 0.9, 0.3])
    expected = run(tmp_path / "whole")
    assert read_bundle(expected / "bundle").training["epoch"] == 1
    folder = run_cut(tmp_path / "cut", at=("on_train_epoch_start", 2), moved_to=tmp_path / "moved")
    assert_same(folder, expected, read_curve, after=8)


def test_validation_within_an_epoch_survives_a_stop(run, run_cut, read_curve, tmp_path):
    changes = ("+trainer.val_check_interval=0.5", "callbacks.resume_point.minutes=0")
    expected = run(tmp_path / "whole", *changes)
    assert len(read_curve(expected, "val/score")) == 6
    folder = run_cut(tmp_path / "cut", *changes, at=("on_validation_start", 1))
    assert_same(folder, expected, read_curve, after=6)


def test_stop_in_the_first_epoch_stays(run, run_cut, read_curve, tmp_path, monkeypatch):
    changes = ("+callbacks.early_stopping.stopping_threshold=0.1", "trainer.max_epochs=3")
    score_by_epoch(monkeypatch, [0.5, 0.6, 0.7])
    expected = run(tmp_path / "whole", *changes)
    assert max(read_curve(expected, "train/loss")) == 3
    folder = run_cut(tmp_path / "cut", *changes, at=("on_fit_end", 1))
    assert_same(folder, expected, read_curve, after=4)


@pytest.mark.parametrize(("hook", "epoch"), [("on_train_epoch_start", 1), ("on_fit_end", 2)])
def test_early_stopping_counts_on(run, run_cut, read_curve, tmp_path, monkeypatch, hook, epoch):
    changes = ("callbacks.early_stopping.patience=1", "trainer.max_epochs=5")
    score_by_epoch(monkeypatch, [0.5, 0.4, 0.9, 0.9, 0.9])
    expected = run(tmp_path / "whole", *changes)
    assert max(read_curve(expected, "train/loss")) == 7
    folder = run_cut(tmp_path / "cut", *changes, at=(hook, epoch))
    assert_same(folder, expected, read_curve, after=4 * epoch)


_SIGNAL_HERE = """
import os, signal, sys
from peftsp.training.randomness import StepSeed
seed_step = StepSeed.on_train_batch_start
def stop(self, trainer, module, batch, index):
    if (trainer.current_epoch, index) == (1, 2):
        os.kill(os.getpid(), signal.{name})
    seed_step(self, trainer, module, batch, index)
StepSeed.on_train_batch_start = stop
from peftsp.training.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status"), [("SIGKILL", -signal.SIGKILL), ("SIGTERM", 143)])
def test_signalled_process_ends_and_another_goes_on(
    run, finished_run, read_curve, warm_python, tmp_path, name, status
):
    settings = [
        "experiment=quickstart",
        "overwrite=false",
        "data.count=60",
        "data.batch_size=5",
        "trainer.max_epochs=3",
        "trainer.log_every_n_steps=1",
        "callbacks.progress_bar=null",
    ]
    ended = subprocess.run(
        [warm_python, "-c", _SIGNAL_HERE.format(name=name), *settings],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    if name == "SIGTERM":
        assert ended.stderr.splitlines()[-1] == (
            "stopped by SIGTERM; the same command with ckpt_path=last goes on"
        )
    folder = run(tmp_path / "runs", "ckpt_path=last")
    # SIGTERM leaves a point behind the step at which it came, SIGKILL none within the epoch.
    assert_same(folder, finished_run, read_curve, after=7)
    resumed = min(step for step in read_curve_of_last(folder) if step)
    assert resumed == (7 if name == "SIGTERM" else 4)


def read_curve_of_last(folder):
    """Steps whose training loss the last process of a run logged."""
    last = max((folder / "logs").iterdir())
    lines = (last / "metrics.csv").read_text().splitlines()
    column, step = (lines[0].split(",").index(name) for name in ("train/loss", "step"))
    with suppress(IndexError):
        return [int(row[step]) for row in (line.split(",") for line in lines[1:]) if row[column]]


@pytest.mark.parametrize(("patience", "goes_on"), [(1, False), (2, False), (8, True)])
def test_greater_patience_lets_a_stopped_run_go_on(tmp_path, patience, goes_on):
    stop, kept = EarlyStopping("val/score", patience=patience), EarlyStopping("val/score")
    kept.wait_count, kept.stopping_reason = 2, EarlyStoppingReason.PATIENCE_EXHAUSTED
    checkpoint = {"callbacks": {kept.state_key: kept.state_dict()}}
    trainer = SimpleNamespace(callbacks=[stop], ckpt_path=None)
    ResumePoint(tmp_path, minutes=0).on_load_checkpoint(trainer, None, checkpoint)
    stop.load_state_dict(checkpoint["callbacks"][stop.state_key])
    assert stop.patience == patience
    assert (stop.stopping_reason == EarlyStoppingReason.NOT_STOPPED) == goes_on
