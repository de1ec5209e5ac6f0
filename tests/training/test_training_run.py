"""What a training run leaves, what it refuses, and that its seed decides all of it."""

import csv
import json
import subprocess

import pytest
import torch
from safetensors.torch import load_file

from peftsp.errors import CheckpointError, ConfigError, TrainingError
from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers
from peftsp.runs.folder import check_checkpoint
from peftsp.runs.record import read_record
from peftsp.training.module import SignalPeptideModule
from peftsp.training.run import _commit, _device, train


def weights_of(folder):
    return load_file(folder / "bundle" / "weights.safetensors")


def test_run_leaves_bundle_table_picture_and_curves(finished_run, read_curve):
    config = json.loads((finished_run / "bundle" / "config.json").read_text())
    training = config["training"]
    assert training["seed"] == 1
    assert training["data"]["count"] == 60
    assert training["metrics"]["test/score"] == read_curve(finished_run, "test/score")[12]
    assert training["metrics"]["val/score"] == max(read_curve(finished_run, "val/score").values())
    with (finished_run / "metrics.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert sum(int(row["n"]) for row in rows) == 16, "test proteins with a signal peptide"
    assert (finished_run / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(read_curve(finished_run, "train/loss")) == list(range(12))
    for name in ("train/nll", "train/regularisation", "learning rate", "val/nll", "val/score"):
        assert read_curve(finished_run, name), name


def test_bundle_gives_the_metrics_that_the_run_reports(finished_run, make_data):
    [tagger] = load_taggers([finished_run / "bundle"])
    data = make_data(batch_size=20)
    data.setup("test")
    metrics = SignalPeptideMetrics()
    for batch in data.test_dataloader():
        emissions = tagger(batch.tokens, batch.mask, batch.kingdoms)
        marginals = tagger.crf.marginals(emissions, batch.residue_mask)
        decoded = tagger.decode(emissions, marginals, batch.residue_mask)
        metrics.update(
            batch.sp_types,
            decoded.sp_types,
            batch.cleavage_sites,
            decoded.cleavage_sites,
            batch.kingdoms,
        )
    reported = read_bundle(finished_run / "bundle").training["metrics"]
    for name, value in metrics.compute().items():
        assert reported[f"test/{name}"] == pytest.approx(float(value), abs=1e-6)


def test_bundle_is_of_the_best_epoch(run, tmp_path, monkeypatch):
    scores = [0.2, 0.8, 0.5]

    def log(self, stage):
        self.log(f"{stage}/score", scores[self.current_epoch] if stage == "val" else 0.0)

    monkeypatch.setattr(SignalPeptideModule, "_log_metrics", log)
    best = run(tmp_path / "best")
    scores[:] = [0.2, 0.8]
    two_epochs = run(tmp_path / "two", "trainer.max_epochs=2")
    found, expected = weights_of(best), weights_of(two_epochs)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert read_bundle(best / "bundle").training["epoch"] == 1


def test_score_that_never_leaves_zero_still_gives_a_bundle(run, tmp_path, monkeypatch):
    """The published code saved nothing then and failed at the end."""

    def log(self, stage):
        self.log(f"{stage}/score", -1.0)

    monkeypatch.setattr(SignalPeptideModule, "_log_metrics", log)
    assert weights_of(run(tmp_path, "trainer.max_epochs=1"))


def test_bfloat16_without_instructions_for_it_is_said_to_be_slow(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    run(tmp_path, "trainer.max_epochs=1", "trainer.precision=bf16-mixed")
    assert "bfloat16 is slow here" in capsys.readouterr().out


def test_run_without_validation_ends_with_its_last_model(run, tmp_path):
    folder = run(
        tmp_path,
        "callbacks.best.monitor=null",
        "callbacks.early_stopping=null",
        "trainer.limit_val_batches=0",
        "trainer.check_val_every_n_epoch=3",
    )
    last = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(last[f"tagger.{n}"], t) for n, t in weights_of(folder).items())


def test_same_seed_same_bundle_other_seed_other_bundle(run, finished_run, tmp_path):
    expected = weights_of(finished_run)
    for seed, is_same in ((1, True), (2, False)):
        # The seed of the backbone's random weights stays, that of training changes.
        found = weights_of(run(tmp_path / str(seed), f"seed={seed}", "backbone.seed=1"))
        assert found.keys() == expected.keys()
        same = [torch.equal(found[name], expected[name]) for name in expected]
        assert all(same) if is_same else not any(same)


def test_seed_reaches_soft_prompts(run, tmp_path):
    """The published code drew them from a seed of its own."""
    change = ("peft=prompt", "trainer.max_epochs=1", "optimizer.lr=0", "backbone.seed=1")
    prompts = [
        weights_of(run(tmp_path / str(seed), f"seed={seed}", *change))["backbone.prompts.0"]
        for seed in (1, 2)
    ]
    assert not torch.equal(*prompts)


def test_finished_run_is_left_alone(run, compose_run, tmp_path, capsys):
    change = ("trainer.max_epochs=1", "data.batch_size=20")
    folder = run(tmp_path, *change)
    metrics = read_bundle(folder / "bundle").training["metrics"]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert train(compose_run(tmp_path, *change, "ckpt_path=last")) == metrics
    assert "this run is finished, nothing to do" in capsys.readouterr().out
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before
    with pytest.raises(ConfigError, match=r"expected no earlier run there, found a finished run"):
        run(tmp_path, *change)
    (folder / "bundle" / "config.json").unlink()
    with pytest.raises(ConfigError, match="found an unfinished run: ckpt_path=last goes on"):
        run(tmp_path, *change)


def test_overwriting_starts_over(run, tmp_path):
    change = ("trainer.max_epochs=1", "data.batch_size=20")
    first = weights_of(run(tmp_path, *change, "seed=2", "name=same"))
    again = weights_of(run(tmp_path, *change, "seed=3", "name=same", "overwrite=true"))
    assert not torch.equal(first["head.emissions.weight"], again["head.emissions.weight"])


def test_last_without_a_checkpoint_starts_from_the_beginning(run, tmp_path, capsys):
    run(tmp_path, "trainer.max_epochs=1", "ckpt_path=last")
    assert "last.ckpt: no such checkpoint, starting from the beginning" in capsys.readouterr().out


def test_checkpoint_of_another_run_can_be_gone_on_from(run, finished_run, read_curve, tmp_path):
    path = finished_run / "checkpoints" / "last.ckpt"
    folder = run(tmp_path, f"ckpt_path={path}", "trainer.max_epochs=4")
    assert sorted(read_curve(folder, "train/loss")) == [12, 13, 14, 15]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("optimizer.lr=0.5", r"optimizer\.lr=0\.\d+, .* found 0\.5"),
        ("optimizer=muon", "optimizer="),
        ("+optimizer.eps=1e-3", r"optimizer\.eps=nothing, .* found 0\.001"),
    ],
)
def test_checkpoint_goes_on_with_its_own_optimizer_alone(
    run, finished_run, tmp_path, change, named
):
    path = finished_run / "checkpoints" / "last.ckpt"
    with pytest.raises(CheckpointError, match=f"checkpoint: expected {named}"):
        run(tmp_path, f"ckpt_path={path}", "trainer.max_epochs=4", change)


def test_patience_is_that_of_the_settings(run, finished_run, tmp_path, read_curve):
    path = finished_run / "checkpoints" / "last.ckpt"
    of_stop = "callbacks.early_stopping"
    changes = (f"{of_stop}.patience=1", f"+{of_stop}.min_delta=9", "trainer.max_epochs=6")
    folder = run(tmp_path, f"ckpt_path={path}", *changes)
    assert len(read_curve(folder, "val/score")) == 1


def test_missing_checkpoint_is_named(run, tmp_path):
    with pytest.raises(ConfigError, match=r"ckpt_path: .* found no/such\.ckpt"):
        run(tmp_path, "ckpt_path=no/such.ckpt")


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "other"])
def test_file_that_is_no_checkpoint_is_named(run, finished_run, tmp_path, kind):
    path = tmp_path / "bad.ckpt"
    if kind in ("empty", "text"):
        path.write_text("no checkpoint" if kind == "text" else "")
    elif kind == "truncated":
        path.write_bytes((finished_run / "checkpoints" / "best.ckpt").read_bytes()[:5000])
    else:
        torch.save({"model": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"bad\.ckpt: expected a checkpoint of a training"):
        run(tmp_path, f"ckpt_path={path}")


def test_nothing_saved_gives_no_bundle_but_a_reason(run, tmp_path):
    savers = (
        "callbacks.best=null",
        "callbacks.resume_point=null",
        "+trainer.enable_checkpointing=false",
    )
    with pytest.raises(ConfigError, match="expected a ModelCheckpoint that has saved, found none"):
        run(tmp_path, "trainer.max_epochs=1", *savers)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_weight_of_the_regularisation_reaches_the_loss(run, read_curve, tmp_path, weight):
    folder = run(tmp_path, f"regularisation.weight={weight}", "trainer.max_epochs=1")
    names = ("train/loss", "train/nll", "train/regularisation")
    losses, nll, regularisation = (read_curve(folder, name) for name in names)
    for step, loss in losses.items():
        assert loss == pytest.approx(nll[step] + regularisation[step], rel=1e-5)
        assert (regularisation[step] > 0) == (weight > 0)


def test_loader_processes_change_nothing(run, finished_run, tmp_path):
    found = weights_of(run(tmp_path, "data.num_workers=1"))
    assert all(torch.equal(found[n], t) for n, t in weights_of(finished_run).items())


def test_diverged_run_ends_with_a_reason_and_leaves_nothing_to_believe(run, tmp_path):
    small = ("data.count=60", "trainer.max_epochs=3", "callbacks.resume_point.minutes=0")
    with pytest.raises(TrainingError, match=r"expected finite numbers, found (nan|inf|-inf) in ep"):
        run(tmp_path, *small, "optimizer.lr=1e30", "trainer.gradient_clip_val=null")
    [folder] = tmp_path.rglob("checkpoints")
    assert not list(tmp_path.rglob("bundle"))
    assert read_record(folder.parent).ended is None
    for path in folder.glob("*.ckpt"):
        check_checkpoint(path)


def test_loss_that_is_not_finite_keeps_the_point_before(run, tmp_path, monkeypatch):
    loss = SignalPeptideModule.loss

    def diverge(self, batch):
        parts = loss(self, batch)
        is_late = self.training and self.global_step == 6
        return {name: value * torch.nan if is_late else value for name, value in parts.items()}

    monkeypatch.setattr(SignalPeptideModule, "loss", diverge)
    with pytest.raises(TrainingError, match=r"train/loss at batch 2: .* nan in epoch 1 after"):
        run(tmp_path)
    [last] = tmp_path.rglob("last.ckpt")
    assert torch.load(last, weights_only=True)["global_step"] == 4


def test_commit_is_that_of_the_checkout_whatever_tags_it_has(tmp_path):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert _commit(tmp_path) is None
    git("init")
    (tmp_path / "code").write_text("1")
    git("add", "code")
    git("commit", "-m", "one")
    git("tag", "-a", "v1", "-m", "release")
    assert _commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "code").write_text("2")
    assert _commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_device_is_the_one_that_trains(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert _device("auto") == _device("mps") == "Apple GPU"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert _device("cpu") == "3 CPU threads"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert _device("auto") == "3 CPU threads"
