"""Random numbers that depend on the place in the run, not on its history."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from peftsp.errors import ConfigError


class StepSeed(Callback):
    """Seeds the generator before each training batch from seed, process, epoch and batch.

    Dropout then draws the same numbers at a batch whether the run got there in one go or was
    stopped and resumed before it, and no state of a generator has to be stored.

    Args:
        seed: The run's seed, at least 0.

    Raises:
        ConfigError: It is negative.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ConfigError(f"callbacks.step_seed.seed: expected 0 or more, found {seed}")
        self.seed = seed

    def on_train_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Seed the global generator of PyTorch, on all devices."""
        place = [self.seed, trainer.global_rank, trainer.current_epoch, batch_idx]
        mixed = np.random.SeedSequence(place).generate_state(1, np.uint64)
        torch.manual_seed(int(mixed[0]))
