from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from peftsp.data.datamodule import SignalPeptideData
from peftsp.data.folds import split
from peftsp.data.labelled import write_labelled
from peftsp.data.sampling import eval_batches
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError

SOURCE = SyntheticProteins(60, seed=0)
SETTINGS = {
    **{"fold": 0, "batch_size": 4, "eval_batch_size": 7, "num_workers": 0, "seed": 1},
    **{"balance": 0.0, "type_weights": None, "kingdom_weights": None},
    **{"extra_path": None, "train_splits": ("train",), "keeps_prior": True, "chimeras": 0},
    "protocol": "nested",
}


def module(**settings) -> SignalPeptideData:
    return SignalPeptideData(SOURCE, **{**SETTINGS, **settings})


def ready(**settings) -> SignalPeptideData:
    data = module(**settings)
    data.setup("fit")
    return data


def sequences(batches) -> list[list[tuple[int, ...]]]:
    """Tokens of the residues in each batch."""
    return [
        [tuple(t[m][1:-1].tolist()) for t, m in zip(batch.tokens, batch.mask, strict=True)]
        for batch in batches
    ]


def joined(batches: list[list]) -> list:
    return [sequence for batch in batches for sequence in batch]


def test_loaders_show_the_records_of_the_fold():
    data = ready()
    train, validation, test = split(SOURCE.load(), 0)
    loaders = data.train_dataloader(), data.val_dataloader(), data.test_dataloader()
    for loader, records, size in zip(loaders, (train, validation, test), (4, 7, 7), strict=True):
        batches = list(loader)
        assert [len(b.tokens) for b in batches[:-1]] == [size] * (len(batches) - 1)
        assert len(batches) == len(loader) == -(-len(records) // size)
        shown = [(b.sp_types, b.kingdoms, b.cleavage_sites) for b in batches]
        assert sum(len(types) for types, _, _ in shown) == len(records)
    assert sequences(data.val_dataloader()) == sequences(data.val_dataloader())


def test_training_order_changes_with_epoch_and_seed():
    data = ready()
    loader = data.train_dataloader()
    first = sequences(loader)
    loader.sampler.set_epoch(1)
    second = sequences(loader)
    assert first != second
    assert sorted(joined(first)) == sorted(joined(second))
    assert sequences(ready().train_dataloader()) == first
    assert sequences(ready(seed=2).train_dataloader()) != first


def test_loaders_leave_the_global_random_state_alone():
    data = ready()
    state = torch.get_rng_state()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        list(loader)
    assert torch.equal(torch.get_rng_state(), state)


def test_balance_and_weights_change_how_often_examples_come():
    data = ready(balance=0.5, type_weights={"NO_SP": 0.0})
    assert all((batch.sp_types > 0).all() for batch in data.train_dataloader())


@pytest.mark.parametrize("done", [0, 2, 5])
def test_batches_done_before_are_left_out_once(done):
    data = ready()
    whole = sequences(data.train_dataloader())
    data.load_state_dict({"epoch": 0, "batches": done})
    loader = data.train_dataloader()
    assert len(loader) == 5
    assert sequences(loader) == whole[done:]
    assert sequences(loader) == whole


def test_processes_share_batches(tmp_path):
    single = ready()
    shards = []
    settings = {"world_size": 3, "current_epoch": 0, "fit_loop": trainer(tmp_path).fit_loop}
    for rank in range(3):
        data = module()
        data.trainer = SimpleNamespace(global_rank=rank, **settings)
        data.setup("fit")
        shards.append(data)
    train = [joined(sequences(data.train_dataloader())) for data in shards]
    assert {len(shard) for shard in train} == {7}
    assert set(joined(train)) == set(joined(sequences(single.train_dataloader())))
    for name in ("val_dataloader", "test_dataloader"):
        parts = [joined(sequences(getattr(data, name)())) for data in shards]
        assert {len(part) for part in parts} == {6, 7}
        whole = joined(sequences(getattr(single, name)()))
        assert sorted(joined(parts)) == sorted(whole)


def test_more_processes_than_proteins_are_refused():
    data = ready()
    count = min(data.records.sizes().values())
    data.trainer = SimpleNamespace(world_size=count, global_rank=0)
    data.setup("fit")
    data.trainer.world_size += 1
    with pytest.raises(ConfigError, match=f"expected at most {count} .* found {count + 1}"):
        data.setup("fit")


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7])
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_processes_have_equally_many_batches_to_evaluate(batch_size, replicas):
    for size in range(replicas, 25):
        shares = [eval_batches(size, batch_size, replicas, rank) for rank in range(replicas)]
        assert len({len(share) for share in shares}) == 1
        shown = joined([joined(share) for share in shares])
        assert sorted(shown) == list(range(size))
        assert max(len(batch) for share in shares for batch in share) <= batch_size + (replicas > 1)


def test_loads_the_source_once():
    calls = []

    class Counted:
        def load(self):
            calls.append(1)
            return SOURCE.load()

    data = SignalPeptideData(Counted(), **SETTINGS)
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "data.batch_size: expected 1 or more, found 0"),
        ({"eval_batch_size": -1}, "data.eval_batch_size: expected 1 or more, found -1"),
        ({"num_workers": -1}, "data.num_workers: expected 0 or more, found -1"),
        ({"seed": -1}, "data.seed: expected 0 or more, found -1"),
        ({"fold": 6}, "data.fold: expected 0 to 5, found 6"),
        ({"balance": -0.5}, "data.balance: expected a number of 0 or more, found -0.5"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ConfigError) as caught:
        ready(**settings)
    assert str(caught.value) == message


class Recorder(LightningModule):
    """Learns nothing and notes every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, batch_idx, sequences([batch])[0]))
        return (self.weight * batch.mask).sum()

    def validation_step(self, batch, batch_idx):
        pass

    def configure_optimizers(self):
        # Asking for this makes the trainer open the training loader before it restores its loops.
        assert self.trainer.estimated_stepping_batches > 0
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder, **settings) -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=3,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        **settings,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Batches of 3 epochs, and a folder with a checkpoint of each of their 15 steps and epochs."""
    folder = tmp_path_factory.mktemp("checkpoints")
    savers = [
        ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1),
        ModelCheckpoint(folder, "{epoch}", save_on_train_epoch_end=True, save_top_k=-1),
        ModelCheckpoint(
            folder, "val-{epoch}", every_n_epochs=2, save_on_train_epoch_end=False, save_top_k=-1
        ),
    ]
    recorder = Recorder()
    trainer(folder, callbacks=savers).fit(recorder, datamodule=module())
    return recorder.seen, folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("checkpoint", "done"),
    [("step=2", 2), ("step=5", 5), ("step=7", 7), ("epoch=0", 5), ("val-epoch=1", 10)],
)
def test_interrupted_training_sees_the_batches_of_an_uninterrupted_one(
    uninterrupted, tmp_path, checkpoint, done, workers
):
    seen, folder = uninterrupted
    resumed = Recorder()
    trainer(tmp_path, enable_checkpointing=False).fit(
        resumed, datamodule=module(num_workers=workers), ckpt_path=folder / f"{checkpoint}.ckpt"
    )
    assert len(seen) == 15
    assert resumed.seen == seen[done:]


@pytest.mark.filterwarnings("ignore")
def test_training_that_failed_within_a_batch_does_it_again(uninterrupted, tmp_path):
    class Failing(Recorder):
        def training_step(self, batch, batch_idx):
            if self.global_step == 7:
                raise RuntimeError("power cut")
            return super().training_step(batch, batch_idx)

    saver = ModelCheckpoint(tmp_path, "failed", save_on_exception=True)
    with pytest.raises(RuntimeError, match="power cut"):
        trainer(tmp_path, callbacks=[saver]).fit(Failing(), datamodule=module())
    resumed = Recorder()
    trainer(tmp_path, enable_checkpointing=False).fit(
        resumed, datamodule=module(), ckpt_path=tmp_path / "failed.ckpt"
    )
    assert resumed.seen == uninterrupted[0][7:]


def test_extra_records_train_and_do_nothing_else(tmp_path):
    extra = SyntheticProteins(60, seed=5).load()
    write_labelled(extra, tmp_path / "extra.fasta")
    data, plain = ready(extra_path=tmp_path / "extra.fasta"), ready()
    shown = joined(sequences(data.train_dataloader()))
    assert len(shown) == len(joined(sequences(plain.train_dataloader()))) + len(extra)
    for loader in ("val_dataloader", "test_dataloader"):
        assert sequences(getattr(data, loader)()) == sequences(getattr(plain, loader)())


def test_splits_beside_train_may_be_trained_on():
    refit, plain = ready(train_splits=["train", "validation"]), ready()
    counts = {
        name: len(joined(sequences(plain_loader)))
        for name, plain_loader in (
            ("train", plain.train_dataloader()),
            ("validation", plain.val_dataloader()),
        )
    }
    assert len(joined(sequences(refit.train_dataloader()))) == sum(counts.values())
    assert sequences(refit.test_dataloader()) == sequences(plain.test_dataloader())
