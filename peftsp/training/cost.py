"""What fitting costs: time and memory."""

from __future__ import annotations

from typing import Any

import psutil
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Timer


class CostMeter(Timer):
    """Measures the time and the memory of fitting; a run that goes on from a checkpoint goes on.

    It ends the fitting where that has a limit, which Lightning leaves to any timer that is there.

    Main memory is the resident memory of the process, looked at when the activations of a training
    batch are there, and after its backward pass. Runs of one sweep share a process, so that later
    ones may find memory that earlier ones have not given back. GPU memory is the peak of PyTorch's
    tensors.

    Args:
        limit: Time that fitting may take over all starts, as ``Trainer(max_time=…)`` takes it.

    Attributes:
        memory: Most bytes of main memory so far.
        gpu_memory: Most bytes of GPU memory so far; 0 without a GPU.
    """

    def __init__(self, limit: str | dict[str, int] | None = None) -> None:
        super().__init__(limit, verbose=False)
        self.memory = 0
        self.gpu_memory = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and forget what other runs took of the GPU."""
        super().on_train_start(trainer, pl_module)
        if pl_module.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(pl_module.device)

    def on_before_backward(self, *_: Any) -> None:
        """Look at the memory while the activations are there."""
        self._look()

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Look at the memory while the gradients are there."""
        self._look()
        if pl_module.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(pl_module.device)
            self.gpu_memory = max(self.gpu_memory, peak)

    def _look(self) -> None:
        self.memory = max(self.memory, psutil.Process().memory_info().rss)

    def state_dict(self) -> dict[str, Any]:
        """Time and memory so far."""
        return {**super().state_dict(), "memory": self.memory, "gpu_memory": self.gpu_memory}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from an earlier start."""
        super().load_state_dict(state_dict)
        self.memory, self.gpu_memory = state_dict["memory"], state_dict["gpu_memory"]

    def peaks(self, trainer: Trainer) -> tuple[int, int | None]:
        """Most memory of any process, which all have to call this.

        Returns:
            Bytes of main memory, and of GPU memory where there is a GPU.
        """
        strategy = trainer.strategy
        found = torch.tensor([self.memory, self.gpu_memory], device=strategy.root_device)
        memory, gpu_memory = strategy.reduce(found, reduce_op="max").tolist()
        return memory, gpu_memory or None
