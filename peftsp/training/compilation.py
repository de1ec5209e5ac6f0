"""Faster blocks by PyTorch's compiler."""

from __future__ import annotations

from lightning.pytorch import Callback, LightningModule, Trainer

from peftsp.backbone.esm2 import Block


class CompiledBlocks(Callback):
    """Compiles the backbone's blocks before the first step, for runs longer than a few minutes.

    The compiler fuses what lies between the matrix products. It takes half a minute on a CPU and
    needs a C++ compiler there; its products are kept for later runs.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Compile each block when it is first called."""
        for module in pl_module.modules():
            if isinstance(module, Block):
                module.compile(dynamic=False)
