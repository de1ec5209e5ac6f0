"""Stopping a run at any moment and going on as if it had never stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason

from peftsp.durable import put_in_place
from peftsp.errors import ConfigError
from peftsp.runs.folder import LAST, PREVIOUS


class ResumePoint(Checkpoint):
    """Keeps ``last.ckpt`` up to date: after each epoch, every so often, and on SIGTERM.

    A point is on the disk before it takes the place of another, which stays as ``previous.ckpt``: a
    process killed while writing, or a machine that loses its power, leaves a sound one.
    Lightning calls checkpoint callbacks last, so that early stopping and the choice of the best
    checkpoint have seen an epoch before the point after it is made; give it after the latter.

    Args:
        folder: Where to keep it.
        minutes: Longest time between two points within an epoch.

    Attributes:
        has_started: Whether training has begun, so that there is something to save.

    Raises:
        ConfigError: ``minutes`` is no number, or negative.
    """

    def __init__(self, folder: str, minutes: float) -> None:
        if not isinstance(minutes, int | float) or minutes < 0:
            raise ConfigError(
                f"callbacks.resume_point.minutes: expected a number of 0 or more, found {minutes}"
            )
        self.path = Path(folder) / f"{LAST}.ckpt"
        self.seconds = 60 * minutes
        self.has_started = False
        self._saved_at = time.monotonic()
        self._end: Callable[[], object] | None = None

    def end_after_saving(self, end: Callable[[], object]) -> None:
        """Save as soon as it can be done, then call ``end``, which need not return."""
        self._end = end

    def on_load_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Let the best checkpoint be found where the run's folder has been moved meanwhile.

        Early stopping takes its patience from the settings, not from the checkpoint.
        """
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            state = checkpoint["callbacks"].get(callback.state_key)
            if isinstance(callback, EarlyStopping) and state:
                state["patience"] = callback.patience
                is_out = (
                    state.get("stopping_reason") == EarlyStoppingReason.PATIENCE_EXHAUSTED.value
                )
                if is_out and state["wait_count"] < callback.patience:
                    state["stopping_reason"] = EarlyStoppingReason.NOT_STOPPED.value
        if Path(trainer.ckpt_path or "").parent != self.path.parent:
            return
        for callback in trainer.checkpoint_callbacks:
            state = checkpoint["callbacks"].get(callback.state_key)
            if isinstance(callback, ModelCheckpoint) and state:
                _move(state, str(callback.dirpath))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Start the clock; a run that had stopped early stays stopped."""
        self.has_started = True
        self._saved_at = time.monotonic()
        stops = [c for c in trainer.callbacks if isinstance(c, EarlyStopping)]  # type: ignore[attr-defined]
        if any(stop.stopping_reason != EarlyStoppingReason.NOT_STOPPED for stop in stops):
            trainer.should_stop = True

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save if it is time, or if the process is asked to end."""
        # A point between the parts of an accumulated gradient would lose those parts, and one in
        # front of a validation, as after an epoch's last batch, would go on without it.
        is_sound = (
            (batch_idx + 1) % trainer.accumulate_grad_batches == 0
            and batch_idx + 1 < trainer.num_training_batches
            and not _is_validated_after(trainer, batch_idx)
        )
        is_late = time.monotonic() - self._saved_at >= self.seconds
        is_ending = trainer.received_sigterm or self._end is not None
        # All processes have to save together.
        is_due = trainer.strategy.broadcast(is_late or is_ending)
        if is_sound and is_due:
            self._save(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """End here if that was asked for: a validation may take longer than there is time."""
        self._end_now()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Save."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        partial = self.path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            if self.path.exists():
                self.path.replace(self.path.with_stem(PREVIOUS))
            put_in_place(partial, self.path)
        trainer.strategy.barrier("resume point")
        self._saved_at = time.monotonic()
        self._end_now()

    def _end_now(self) -> None:
        if self._end is not None:
            end, self._end = self._end, None
            end()


def _move(state: dict[str, Any], folder: str) -> None:
    """Make what a `ModelCheckpoint` remembers of its folder true of another, in place."""

    def moved(path: str) -> str:
        return str(Path(folder) / Path(path).name) if path else path

    state["dirpath"] = folder
    for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[name] = moved(state[name])
    state["best_k_models"] = {moved(path): k for path, k in state["best_k_models"].items()}


def _is_validated_after(trainer: Trainer, batch_idx: int) -> bool:
    """Whether ``val_check_interval`` has a validation follow a batch."""
    every = trainer.val_check_batch
    if not isinstance(every, int):
        return False
    return (batch_idx + 1) % every == 0
