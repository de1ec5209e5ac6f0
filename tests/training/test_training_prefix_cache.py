"""Runs that take the outputs of frozen layers from disk end as those that compute them."""

import os
import shutil
import signal
import threading
from collections import namedtuple

import pytest
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.prefix_store import PrefixStore
from peftsp.model.restore import load_taggers
from peftsp.training import prefix_cache
from peftsp.training.prefix_cache import PrefixCache
from peftsp.training.randomness import StepSeed

LORA = ("peft=lora", "peft.last_k=1")
METHODS = {
    "frozen": ("peft=frozen",),
    "lora": LORA,
    "prompt": ("peft=prompt", "peft.place=last"),
}
SHORT = "trainer.max_epochs=1"
OFF = "callbacks.prefix_cache=null"


@pytest.fixture(scope="module")
def whole_run(run, tmp_path_factory):
    """Folder of an uninterrupted LoRA run that takes the first layer from disk."""
    return run(tmp_path_factory.mktemp("whole"), *LORA)


@pytest.fixture
def no_embedding(monkeypatch):
    """Function after whose call no frozen layer can be computed."""

    def fail(*_):
        raise AssertionError("a frozen layer was computed")

    return lambda: monkeypatch.setattr(ESM2, "embed", fail)


def stores_of(folder):
    return sorted((folder / ".prefix_cache").glob("*"))


@pytest.mark.parametrize("changes", METHODS.values(), ids=METHODS)
def test_losses_are_nearly_those_without(run, read_curve, tmp_path, changes):
    found, expected = (
        run(tmp_path / n, *changes, SHORT, *o) for n, o in (("on", ()), ("off", (OFF,)))
    )
    assert len(stores_of(tmp_path / "on")) == 1
    assert stores_of(tmp_path / "off") == []
    for name in ("train/loss", "val/nll", "test/nll"):
        losses = read_curve(expected, name)
        assert losses
        assert read_curve(found, name) == pytest.approx(losses, rel=1e-3), name


def test_other_epochs_folds_and_methods_compute_nothing(run, tmp_path, capsys, no_embedding):
    run(tmp_path, *LORA, SHORT)
    [store] = stores_of(tmp_path)
    assert f"prefix cache: computing 60 proteins for {store}" in capsys.readouterr().out
    no_embedding()
    run(tmp_path, "peft=adapter", "peft.last_k=1", "data.fold=1", SHORT)
    out = capsys.readouterr().out
    assert "computing" not in out
    assert f"prefix cache: 1 of 2 layers from {store}, 0.3 MB" in out
    assert stores_of(tmp_path) == [store]


def test_bundle_gives_without_the_cache_the_emissions_of_the_run(run, tmp_path, monkeypatch):
    seen = {}
    fill = PrefixCache.on_fit_start

    def keep(self, trainer, module):
        fill(self, trainer, module)
        seen.update(module=module, batch=next(iter(trainer.datamodule.test_dataloader())))

    monkeypatch.setattr(PrefixCache, "on_fit_start", keep)
    folder = run(tmp_path, *LORA, SHORT)
    module, batch = seen["module"].eval(), seen["batch"]
    [tagger] = load_taggers([folder / "bundle"])
    inputs = batch.tokens, batch.mask, batch.kingdoms
    [theirs, ours] = (model(*inputs)[batch.residue_mask] for model in (module.tagger, tagger))
    assert not torch.equal(theirs, ours), "half precision leaves a trace"
    assert (theirs - ours).norm() < 1e-3 * ours.norm()


def test_run_stopped_by_sigterm_ends_as_the_uninterrupted_one(
    run, whole_run, read_curve, tmp_path, monkeypatch
):
    seed_step = StepSeed.on_train_batch_start

    def stop(self, trainer, module, batch, index):
        if (trainer.current_epoch, index) == (1, 2):
            os.kill(os.getpid(), signal.SIGTERM)
        seed_step(self, trainer, module, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(StepSeed, "on_train_batch_start", stop)
        with pytest.raises(SIGTERMException):
            run(tmp_path, *LORA)
    folder = run(tmp_path, *LORA, "ckpt_path=last")
    for name in ("train/loss", "val/nll", "test/nll"):
        assert read_curve(folder, name) == read_curve(whole_run, name), name
    weights = [(place / "bundle" / "weights.safetensors") for place in (folder, whole_run)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_stop_while_computing_loses_one_shard(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prefix_cache, "_SHARD", 16)
    write = PrefixStore.write

    def stop(self, *shard):
        if len(list(self.folder.glob("*.safetensors"))) == 2:
            raise KeyboardInterrupt
        write(self, *shard)

    with monkeypatch.context() as patch:
        patch.setattr(PrefixStore, "write", stop)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run(tmp_path, *LORA, SHORT)
    capsys.readouterr()
    run(tmp_path, *LORA, SHORT)
    assert f"computing {60 - 2 * 16} proteins" in capsys.readouterr().out
    [store] = stores_of(tmp_path)
    assert len(list(store.glob("*.safetensors"))) == 4


def test_broken_shard_is_named_and_computed_again(run, tmp_path, capsys):
    run(tmp_path, *LORA, SHORT)
    [shard] = stores_of(tmp_path)[0].glob("*.safetensors")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    capsys.readouterr()
    run(tmp_path, *LORA, SHORT, "overwrite=true")
    out = capsys.readouterr().out
    assert f"prefix cache: {shard}: expected a whole shard" in out
    assert "computing 60 proteins" in out
    assert shard.read_bytes() == whole


def test_two_at_once_compute_each_protein_once(
    make_module, make_data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(prefix_cache, "_SHARD", 16)
    computed = []
    is_computing = threading.Event()
    run_prefix = ESM2.run_prefix

    def count(self, tokens, mask, layers):
        computed.append(len(tokens))
        if not is_computing.is_set():
            is_computing.set()
            others[0].join(timeout=0.3)  # it has to wait, so this takes all of the time given
        return run_prefix(self, tokens, mask, layers)

    monkeypatch.setattr(ESM2, "run_prefix", count)
    data = make_data()
    data.setup("fit")

    def fill():
        encoder = make_module().tagger.backbone
        store = PrefixStore(tmp_path, encoder, 1)
        assert prefix_cache._fill(store, encoder, data.sequences(), has_bar=False, limit=10**9)
        whole.append(store.missing(data.sequences()) == [])

    whole = []
    others = [threading.Thread(target=lambda: (is_computing.wait(), fill()))]
    others[0].start()
    fill()
    others[0].join()
    assert whole == [True, True]
    assert sum(computed) == 60
    assert "prefix cache: waiting for another process" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (["peft=lora"], None),
        (["peft=full"], None),
        ([*LORA, "augmentation.hidden_residues=0.1"], "augmentation.hidden_residues changes"),
    ],
)
def test_nothing_is_kept_where_nothing_stays_the_same(run, tmp_path, capsys, changes, reason):
    run(tmp_path, *changes, SHORT)
    out = capsys.readouterr().out
    assert stores_of(tmp_path) == []
    assert (f"prefix cache: not used, {reason}" in out) if reason else ("prefix" not in out)


def test_full_disk_is_told_with_the_size_and_the_run_does_without(
    run, tmp_path, monkeypatch, capsys
):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free=200_000))
    assert (run(tmp_path, *LORA, SHORT) / "bundle").is_dir()
    out = capsys.readouterr().out
    assert "would take 0.3 MB, the disk has 0.2 MB" in out
    assert not list(stores_of(tmp_path)[0].glob("*.safetensors"))


def test_write_that_fails_is_told_and_the_run_does_without(run, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError("Disk quota exceeded")

    monkeypatch.setattr(PrefixStore, "write", fail)
    assert (run(tmp_path, *LORA, SHORT) / "bundle").is_dir()
    assert "prefix cache: not used, Disk quota exceeded" in capsys.readouterr().out


def test_stores_take_no_more_than_they_may_and_the_oldest_goes_first(
    make_module, make_data, tmp_path, capsys
):
    data = make_data()
    data.setup("fit")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    names = []

    def fill(seed, limit):
        encoder = make_module(backbone_seed=seed).tagger.backbone
        store = PrefixStore(tmp_path, encoder, 1)
        names.append(store.folder.name)
        is_whole = prefix_cache._fill(
            store, encoder, data.sequences(), has_bar=False, limit=int(limit)
        )
        return is_whole, store.size

    _, size = fill(0, 10**9)
    for seed in (1, 2):
        assert fill(seed, 2.5 * size)[0]
    left = {path.name for path in tmp_path.iterdir()} - {"mine"}
    assert left == {names[1], names[2]}
    assert f"removed {tmp_path / names[0]}" in capsys.readouterr().out
    # Used again, so that the other is the oldest now.
    assert fill(1, 2.5 * size)[0]
    assert fill(3, 2.5 * size)[0]
    assert {path.name for path in tmp_path.iterdir()} - {"mine"} == {names[1], names[4]}
    capsys.readouterr()
    assert not fill(4, 0.5 * size)[0]
    assert "callbacks.prefix_cache.gigabytes allows" in capsys.readouterr().out
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_store_in_use_is_not_the_one_unused_for_longest(tmp_path):
    used = tmp_path / ".used"
    used.touch()
    os.utime(used, (0, 0))
    cache = PrefixCache(str(tmp_path), 1)
    cache._used = used
    cache.on_train_epoch_start(None, None)
    assert used.stat().st_mtime > 0
