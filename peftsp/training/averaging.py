"""A model whose weights are the mean over its last training steps."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from peftsp.errors import ConfigError

_TRAINED_ON = "trained_on"


class AveragedWeights(Callback):
    """Keeps an exponential moving average of what trains, which is validated, tested and bundled.

    Training itself goes on with the weights as they are; a checkpoint holds both. Lightning's own
    average also copies what is frozen, and its checkpoints need it.

    Args:
        decay: Share that the average keeps at each step; it reaches back some ``1 / (1 - decay)``
            steps. In the beginning it is smaller, so that the first weights are soon forgotten.

    Raises:
        ConfigError: The decay is not between 0 and 1.
    """

    def __init__(self, decay: float) -> None:
        if not isinstance(decay, int | float) or not 0 < decay < 1:
            raise ConfigError(f"callbacks.averaging.decay: expected 0 < decay < 1, found {decay}")
        self._decay = decay
        self._average: dict[str, Tensor] = {}
        self._steps = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Forget what another fit has left; a checkpoint is loaded after this."""
        if stage == "fit":
            self._average, self._steps = {}, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Begin with the weights as they are, where no checkpoint has brought an average.

        Raises:
            ConfigError: The trainer shares parameters out among processes.
        """
        if pl_module.device_mesh is not None:
            raise ConfigError("callbacks.averaging: expected no trainer that shares parameters out")
        for name, parameter in _trained(pl_module):
            start = self._average.get(name, parameter.detach())
            self._average[name] = start.to(parameter.device, torch.float32, copy=True)

    @torch.no_grad()
    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Take the weights into the average, once an optimizer's step."""
        if trainer.global_step == self._steps:
            return
        self._steps = trainer.global_step
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for name, parameter in _trained(pl_module):
            self._average[name].lerp_(parameter.detach().float(), 1 - decay)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average."""
        if self._is_training(trainer):
            self._swap(pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on training the weights."""
        if self._is_training(trainer):
            self._swap(pl_module)

    @torch.no_grad()
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Leave the average as the model."""
        for name, parameter in _trained(pl_module):
            parameter.copy_(self._average[name])

    def on_save_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        checkpoint: dict[str, Any],
    ) -> None:
        """Put the average in the model's place, and the weights that train beside it."""
        if trainer.state.fn != "fit":
            return
        state = checkpoint["state_dict"]
        checkpoint[_TRAINED_ON] = {name: state[name] for name, _ in _trained(pl_module)}
        state |= self._average

    @torch.no_grad()
    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Go on with average and weights, where training goes on."""
        if trainer.state.fn != "fit" or _TRAINED_ON not in checkpoint:
            return
        self._steps = checkpoint["global_step"]
        for name, parameter in _trained(pl_module):
            self._average[name] = checkpoint["state_dict"][name].float()
            parameter.copy_(checkpoint[_TRAINED_ON][name])

    def _is_training(self, trainer: Trainer) -> bool:
        return trainer.state.fn == "fit" and bool(self._average)

    @torch.no_grad()
    def _swap(self, module: LightningModule) -> None:
        for name, parameter in _trained(module):
            shown = self._average[name].to(parameter)
            self._average[name] = parameter.detach().float().clone()
            parameter.copy_(shown)


def _trained(module: LightningModule) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, p) for name, p in module.named_parameters() if p.requires_grad]
