"""Stopping a run at any moment and going on as if it had never stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from peftsp.data.datamodule import SignalPeptideData

LAST = "last"

_BATCHES = "batches_done"


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
        # A point between the parts of an accumulated gradient would lose those parts.
        is_between_steps = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        is_due = trainer.strategy.broadcast(time.monotonic() - self._saved_at > self.seconds)
        if is_between_steps and (is_due or trainer.received_sigterm):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Save."""
        self._save(trainer)

    def on_save_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Note how far the epoch has come."""
        progress = trainer.fit_loop.epoch_loop.batch_progress
        checkpoint[_BATCHES] = 0 if progress.is_last_batch else progress.current.processed

    def on_load_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Let the epoch go on behind the batches that are done."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        if trainer.state.fn == TrainerFn.FITTING and isinstance(data, SignalPeptideData):
            data.skip_batches(checkpoint.get(_BATCHES, 0))

    def _save(self, trainer: Trainer) -> None:
        partial = self.path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            partial.replace(self.path)
        trainer.strategy.barrier("resume point")
        self._saved_at = time.monotonic()
