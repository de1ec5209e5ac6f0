"""Pretrain the compact backbone by masked language modelling.

python experiments/compact_backbone/pretrain.py corpus=corpus.npz output=runs/compact_backbone
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset, Sampler

from peftsp.alphabet import (
    ALPHABET,
    CLS_TOKEN,
    EOS_TOKEN,
    MASK_TOKEN,
    PAD_TOKEN,
    STANDARD_RESIDUE_TOKENS,
)
from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.training.randomness import StepSeed

CURVE = "pretraining"


@hydra.main(version_base="1.3", config_path=".", config_name="pretrain")
def main(cfg: DictConfig) -> None:
    """Train, measure, write the backbone as an ``EsmModel`` folder in half precision."""
    torch.set_num_threads(cfg.threads)
    seed_everything(cfg.seed, workers=True, verbose=False)
    folder = Path(cfg.output)
    training, held_out, weights = read_corpus(Path(cfg.corpus), cfg.weights, cfg.held_out)
    sampler = WeightedBatches(weights, cfg.batch_size, cfg.steps_per_epoch, cfg.seed)
    train_loader = DataLoader(training, batch_size=None, sampler=sampler)
    held_out_loader = DataLoader(
        held_out, batch_size=None, sampler=[*torch.arange(len(held_out)).split(256)]
    )
    module = MaskedLanguageModel(
        load_backbone(instantiate(cfg.spec), "random", cfg.seed),
        cfg.hidden,
        instantiate(cfg.optimizer),
        instantiate(cfg.scheduler),
    )
    checkpoint = ModelCheckpoint(folder / "checkpoints", save_last=True, save_top_k=0)
    trainer = Trainer(
        accelerator="cpu",
        precision=cfg.precision,
        max_epochs=cfg.epochs,
        gradient_clip_val=1.0,
        callbacks=[checkpoint, StepSeed(cfg.seed), TQDMProgressBar(refresh_rate=25)],
        logger=CSVLogger(folder, CURVE, version=""),
        log_every_n_steps=25,
        check_val_every_n_epoch=8,
        num_sanity_val_steps=0,
        enable_model_summary=False,
    )
    trainer.fit(module, train_loader, held_out_loader, ckpt_path=cfg.ckpt_path)
    trainer.validate(module, held_out_loader)
    halves = {name: tensor.half() for name, tensor in module.backbone.state_dict().items()}
    write_esm_folder(folder / "backbone", module.backbone.spec, halves)
    print(f"backbone: {folder / 'backbone'}")


def read_corpus(
    path: Path, weights: DictConfig, held_out: float
) -> tuple[Sequences, Sequences, Tensor]:
    """The sequences of ``corpus.py``: to train on, to measure on, and the former's weights."""
    with np.load(path) as corpus:
        tokens = np.concatenate([corpus["ntermini"], corpus["windows"]])
        groups = np.concatenate([corpus["groups"], np.full(len(corpus["windows"]), 3)])
    factors = np.array([weights[n] for n in ("labelled", "prokaryote", "eukaryote", "windows")])
    order = np.random.default_rng(0).permutation(len(tokens))
    measured, trained = np.split(order, [round(held_out * len(tokens))])
    drawn = torch.from_numpy(factors[groups[trained]])
    return Sequences(tokens[trained]), Sequences(tokens[measured]), drawn


class Sequences(Dataset[Tensor]):
    """Token rows, asked for by the batch: int64 ``(B,)`` indices to int64 ``(B, T)`` tokens."""

    def __init__(self, tokens: Any) -> None:
        self._tokens = torch.from_numpy(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, indices: Tensor) -> Tensor:
        return self._tokens[indices].long()


class WeightedBatches(Sampler[Tensor]):
    """Batches of indices drawn by weight, in an order that seed and epoch decide."""

    def __init__(self, weights: Tensor, batch_size: int, batches: int, seed: int) -> None:
        self._weights, self._batch_size, self._batches = weights, batch_size, batches
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration; the trainer calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[Tensor]:
        mixed = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        drawn = torch.multinomial(
            self._weights, self._batches * self._batch_size, True, generator=generator
        )
        return iter(drawn.split(self._batch_size))


class MaskedLanguageModel(LightningModule):
    """Predicts hidden residues; head as in ESM-2, tied to the token embedding."""

    def __init__(self, backbone: ESM2, hidden: float, optimizer: Any, scheduler: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.hidden = hidden
        self.optimizer, self.scheduler = optimizer, scheduler
        width = backbone.spec.width
        self.dense = nn.Linear(width, width)
        self.layer_norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(len(ALPHABET)))
        # Tied to the output, the embedding has to start small.
        nn.init.normal_(backbone.embed_tokens.weight, std=width**-0.5)

    def loss(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy (nats) and accuracy over the hidden residues of ``(B, T)`` tokens."""
        mask = tokens != PAD_TOKEN
        is_residue = mask & (tokens != CLS_TOKEN) & (tokens != EOS_TOKEN)
        draw = torch.rand(tokens.shape, device=tokens.device)
        is_hidden = is_residue & (draw < self.hidden)
        other = torch.randint_like(
            tokens, STANDARD_RESIDUE_TOKENS.start, STANDARD_RESIDUE_TOKENS.stop
        )
        shown = tokens.masked_fill(is_residue & (draw < 0.8 * self.hidden), MASK_TOKEN)
        shown = torch.where(is_hidden & (draw >= 0.9 * self.hidden), other, shown)

        x = self.backbone.embed(shown, mask)
        context = self.backbone.context(x, mask)
        for index in range(len(self.backbone.layers)):
            x = self.backbone.run_block(index, x, context)
        x = self.backbone.emb_layer_norm_after(x)[is_hidden]
        x = self.layer_norm(F.gelu(self.dense(x)))
        logits = F.linear(x, self.backbone.embed_tokens.weight, self.bias).float()
        target = tokens[is_hidden]
        return F.cross_entropy(logits, target), (logits.argmax(-1) == target).float().mean()

    def training_step(self, tokens: Tensor, batch_index: int) -> Tensor:  # noqa: ARG002
        """The loss of a batch."""
        loss, accuracy = self.loss(tokens)
        self.log_dict({"train/loss": loss, "train/accuracy": accuracy}, prog_bar=True)
        return loss

    def validation_step(self, tokens: Tensor, batch_index: int) -> None:
        """Loss and accuracy of held-out sequences, the same residues hidden each time."""
        with torch.random.fork_rng():
            torch.manual_seed(batch_index)
            loss, accuracy = self.loss(tokens)
        named = {"held_out/loss": loss, "held_out/accuracy": accuracy}
        self.log_dict(named, prog_bar=True, batch_size=len(tokens))

    def on_validation_epoch_end(self) -> None:
        """Log the perplexity."""
        loss = float(self.trainer.callback_metrics["held_out/loss"])
        self.log("held_out/perplexity", math.exp(loss))

    def configure_optimizers(self) -> Any:
        """Optimizer and schedule; biases and norms do not decay."""
        decayed = [p for p in self.parameters() if p.dim() > 1]
        others = [p for p in self.parameters() if p.dim() <= 1]
        optimizer = self.optimizer([{"params": decayed}, {"params": others, "weight_decay": 0.0}])
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.scheduler(optimizer, steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


if __name__ == "__main__":
    main()
