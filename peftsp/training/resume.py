"""Stopping a run at any moment and going on as if it had never stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

LAST = "last"


class ResumePoint(Callback):
    """Keeps ``last.ckpt`` up to date: after each epoch, every so often, and on SIGTERM.

    The file is replaced in one step, so that a process killed while writing leaves the one before.

    Args:
        folder: Where to keep it.
        minutes: Longest time between two points within an epoch.
    """

    def __init__(self, folder: str, minutes: float) -> None:
        self.path = Path(folder) / f"{LAST}.ckpt"
        self.seconds = 60 * minutes
        self._saved_at = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save if it is time, or if the process is asked to end."""
        # A point between the parts of an accumulated gradient would lose those parts, and one after
        # an epoch's last batch would go on without the validation that is due.
        is_sound = (batch_idx + 1) % trainer.accumulate_grad_batches == 0 and (
            batch_idx + 1 < trainer.num_training_batches
        )
        is_due = trainer.strategy.broadcast(time.monotonic() - self._saved_at >= self.seconds)
        if is_sound and (is_due or trainer.received_sigterm):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Save."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        partial = self.path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            partial.replace(self.path)
        trainer.strategy.barrier("resume point")
        self._saved_at = time.monotonic()
