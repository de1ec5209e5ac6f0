"""The loss, what trains, when dropout is on, and what a checkpoint holds."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from peftsp.errors import BundleError, CheckpointError, ConfigError
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.loss.region_similarity import region_similarity
from peftsp.model.decode import type_probabilities
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen


def trainer(folder, **settings):
    return Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        **{"max_epochs": 2, "enable_checkpointing": False, **settings},
    )


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_loss_is_the_likelihood_and_the_weighted_similarities(make_module, batch, weight):
    module = make_module(regularisation=weight).eval()
    tagger, mask = module.tagger, batch.residue_mask
    emissions = tagger(batch.tokens, batch.mask, batch.kingdoms)
    nll = -tagger.crf.log_likelihood(emissions, mask, batch.allowed).mean()
    n_h, h_c = region_similarity(
        tagger.crf.marginals(emissions, mask), batch.tokens[:, 1:-1], mask, batch.sp_types
    )
    parts = module.loss(batch)
    torch.testing.assert_close(parts["nll"], nll)
    torch.testing.assert_close(parts["loss"], nll + weight * (n_h.mean() + h_c.mean()))
    assert (parts["regularisation"] > 0) == (weight > 0)


def test_labels_are_focused_and_smoothed(make_module, batch):
    settings = {"focusing": 2.0, "smoothing": 0.1, "regularisation": 0.0}
    module = make_module(**settings).double().eval()
    tagger, mask = module.tagger, batch.residue_mask
    emissions = tagger(batch.tokens, batch.mask, batch.kingdoms)
    surprise = -tagger.crf.log_likelihood(emissions, mask, batch.allowed)
    types = type_probabilities(tagger.crf.marginals(emissions, mask), mask)
    parts = module.loss(batch)
    torch.testing.assert_close(parts["nll"], surprise.mean())
    of_labels = (1 - (-surprise).exp()) ** 2 * surprise
    expected = 0.9 * of_labels.mean() - 0.1 * types.clamp(min=1e-12).log().mean()
    torch.testing.assert_close(parts["loss"], expected)


def test_types_that_are_drawn_more_often_are_favoured_in_training_alone(make_module, batch):
    module = make_module(regularisation=0.0)
    for part in module.modules():
        if hasattr(part, "dropout"):
            part.dropout = 0.0
    tagger, mask = module.tagger, batch.residue_mask
    emissions = tagger(batch.tokens, batch.mask, batch.kingdoms).detach()
    natural = type_probabilities(tagger.crf.marginals(emissions, mask), mask)
    drawn_more = torch.randn(len(KINGDOMS), len(SP_TYPES), generator=torch.manual_seed(0))
    favoured = natural * drawn_more[batch.kingdoms].exp()
    row = torch.arange(len(natural))
    gain = (favoured / favoured.sum(1, keepdim=True) / natural)[row, batch.sp_types].log()

    module.eval()
    before = module.loss(batch)["nll"]
    module.drawn_more = drawn_more
    torch.testing.assert_close(module.loss(batch)["nll"], before)
    module.train()
    expected = before - gain.mean()
    torch.testing.assert_close(module.loss(batch)["nll"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("keeps_prior", "balance"), [(True, 0.5), (True, 0.0), (False, 0.5)])
def test_module_learns_from_the_data_what_is_drawn_more(
    make_module, make_data, tmp_path, keeps_prior, balance
):
    module, data = make_module(), make_data(balance=balance, keeps_prior=keeps_prior)
    trainer(tmp_path, limit_val_batches=0, max_steps=1).fit(module, datamodule=data)
    assert (module.drawn_more is not None) == (keeps_prior and balance > 0)
    if module.drawn_more is not None:
        train = data.records.splits["train"]
        counts = Counter(record.sp_type for record in train if record.kingdom == "EUKARYA")
        odds = module.drawn_more[KINGDOMS.index("EUKARYA")]
        difference = odds[SP_TYPES.index("NO_SP")] - odds[SP_TYPES.index("SP")]
        assert float(difference) == pytest.approx(-0.5 * math.log(counts["NO_SP"] / counts["SP"]))


def test_training_decodes_nothing(make_module, make_data, tmp_path, monkeypatch):
    module = make_module()

    def refuse(*args, **kwargs):
        raise AssertionError("decoded")

    monkeypatch.setattr(module.tagger.crf, "decode", refuse)
    monkeypatch.setattr(module.tagger, "decode", refuse)
    fit = trainer(tmp_path, limit_val_batches=0)
    fit.fit(module, datamodule=make_data())
    assert fit.global_step == 8


class ModeRecorder(Callback):
    """Notes the mode of every submodule at every batch."""

    def __init__(self):
        self.modes = {"train": [], "val": [], "test": []}

    def _note(self, kind, module):
        self.modes[kind].append({part.training for part in module.tagger.modules()})

    def on_train_batch_start(self, trainer, pl_module, *args):
        self._note("train", pl_module)

    def on_validation_batch_start(self, trainer, pl_module, *args):
        self._note("val", pl_module)

    def on_test_batch_start(self, trainer, pl_module, *args):
        self._note("test", pl_module)


def test_every_epoch_trains_in_training_mode(make_module, make_data, tmp_path):
    """The published code left it after the first validation, and dropout with it."""
    recorder = ModeRecorder()
    fit = trainer(tmp_path, callbacks=[recorder], max_epochs=3)
    module, data = make_module(), make_data()
    fit.fit(module, datamodule=data)
    fit.test(module, datamodule=data, verbose=False)
    assert recorder.modes["train"] == [{True}] * 12
    assert recorder.modes["val"] == [{False}] * 9
    assert recorder.modes["test"] == [{False}] * 3


@pytest.mark.parametrize("place", ["head", "peft"])
def test_dropout_changes_the_loss_in_training_alone(make_module, batch, place):
    module = make_module(dropout=0.3 if place == "head" else 0.0)
    for name, parameter in module.tagger.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
            adapted = module.tagger.backbone.get_submodule(
                name.removeprefix("backbone.").removesuffix(".lora_B")
            )
            adapted.dropout = 0.3 if place == "peft" else 0.0
    with torch.no_grad():
        training = [module.train().loss(batch)["loss"] for _ in range(2)]
        evaluation = [module.eval().loss(batch)["loss"] for _ in range(2)]
    assert training[0] != training[1]
    assert evaluation[0] == evaluation[1]


def test_optimizer_moves_method_head_and_crf_and_nothing_else(make_module, make_data, tmp_path):
    """The published LoRA runs trained neither head nor CRF."""
    module = make_module()
    before = {name: p.detach().clone() for name, p in module.tagger.named_parameters()}
    trainer(tmp_path).fit(module, datamodule=make_data())
    moved = {n for n, p in module.tagger.named_parameters() if not torch.equal(p, before[n])}
    assert moved == module.tagger.trained_names()


def test_head_and_crf_may_have_a_learning_rate_of_their_own(make_module, make_data, tmp_path):
    module = make_module(head_factor=0.0)
    before = {name: p.detach().clone() for name, p in module.tagger.named_parameters()}
    trainer(tmp_path).fit(module, datamodule=make_data())
    moved = {n for n, p in module.tagger.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {name for name in module.tagger.trained_names() if "lora" in name}


def test_negative_factor_is_an_error(make_module):
    with pytest.raises(ConfigError, match=r"learning_rate\.head_factor: .* found -1"):
        make_module(head_factor=-1)


def test_untrained_head_stays_as_drawn(make_module, make_data, tmp_path):
    module = make_module(trainable=False)
    before = {name: p.detach().clone() for name, p in module.tagger.named_parameters()}
    trainer(tmp_path).fit(module, datamodule=make_data())
    moved = {n for n, p in module.tagger.named_parameters() if not torch.equal(p, before[n])}
    assert moved
    assert all("lora" in name for name in moved)


def test_last_batch_weighs_as_its_sequences_in_the_evaluation(make_module, make_data, tmp_path):
    """The published code averaged batches, so one sequence alone weighed as much as 20."""
    module = make_module()
    values = [
        trainer(tmp_path).validate(
            module, datamodule=make_data(eval_batch_size=size), verbose=False
        )[0]["val/nll"]
        for size in (7, 20)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_evaluation_forgets_the_one_before(make_module, make_data, tmp_path):
    module = make_module()
    results = [
        trainer(tmp_path).validate(module, datamodule=make_data(), verbose=False)[0]
        for _ in range(2)
    ]
    assert results[0] == results[1]
    assert module.metrics.confusion().sum() == 20


def save(module, data, folder):
    fit = trainer(folder, max_epochs=1)
    fit.fit(module, datamodule=data)
    path = folder / "some.ckpt"
    fit.save_checkpoint(path)
    return path


@pytest.fixture
def checkpoint(make_module, make_data, tmp_path):
    """A checkpoint of LoRA, and the module that it is of."""
    module = make_module()
    return save(module, make_data(), tmp_path), module


def test_checkpoint_holds_just_what_was_trained(checkpoint):
    path, module = checkpoint
    saved = torch.load(path, weights_only=True)
    assert set(saved["state_dict"]) == {f"tagger.{n}" for n in module.tagger.trained_names()}
    for name, tensor in module.trained_weights(saved).items():
        assert torch.equal(tensor, module.tagger.get_parameter(name))
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    # Weights and the two moments of Adamax, in four bytes each, and what names and tables take.
    assert path.stat().st_size < 3 * 4 * trained + 60_000


def test_checkpoint_does_not_grow_with_the_backbone(make_module, make_data, tmp_path):
    module = make_module(Frozen())
    path = save(module, make_data(), tmp_path)
    names = {name.split(".")[1] for name in torch.load(path, weights_only=True)["state_dict"]}
    assert names == {"head", "crf"}


def test_checkpoint_of_another_method_is_refused(checkpoint, make_module, make_data, tmp_path):
    path, _ = checkpoint
    other = make_module(Adapter(None, 4, True))
    with pytest.raises(
        BundleError, match=r"checkpoint: expected the tensors of its method, found .*"
    ):
        trainer(tmp_path).fit(other, datamodule=make_data(), ckpt_path=path, weights_only=True)


def test_checkpoint_of_another_backbone_is_refused(checkpoint, make_module, make_data, tmp_path):
    path, module = checkpoint
    other = make_module(backbone_seed=1)
    expected, found = (m.tagger.backbone.content_hash[:12] for m in (other, module))
    message = f"expected one trained on the backbone {expected}…, found {found}…"
    with pytest.raises(CheckpointError, match=message):
        trainer(tmp_path).fit(other, datamodule=make_data(), ckpt_path=path, weights_only=True)


def test_checkpoint_of_a_backbone_held_otherwise_is_refused(
    checkpoint, make_module, make_data, tmp_path
):
    path, _ = checkpoint
    other = make_module()
    backbone = other.tagger.backbone
    backbone.source = replace(backbone.source, quantization="nf4")
    message = r"trained with backbone\.quantization=nf4, found null"
    with pytest.raises(CheckpointError, match=message):
        trainer(tmp_path).fit(other, datamodule=make_data(), ckpt_path=path, weights_only=True)


def test_gradients_are_clipped_by_their_norm(make_module, make_data, tmp_path):
    norms = []

    class Norms(Callback):
        def on_before_optimizer_step(self, trainer, pl_module, optimizer):
            gradients = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
            norms.append(torch.stack(gradients).norm().item())

    # Lightning calls the hook before it clips, so the steps tell.
    module = make_module(regularisation=0.0)
    module.optimizer = lambda parameters: torch.optim.SGD(parameters, lr=1.0)
    before = {n: p.detach().clone() for n, p in module.tagger.named_parameters()}
    fit = trainer(tmp_path, callbacks=[Norms()], max_steps=1, gradient_clip_val=0.25)
    fit.fit(module, datamodule=make_data())
    steps = [p.detach() - before[n] for n, p in module.tagger.named_parameters()]
    assert norms[0] > 1
    assert torch.stack([step.norm() for step in steps]).norm() == pytest.approx(0.25, rel=1e-3)
