"""Learning rate schedules over a whole run."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from peftsp.errors import ConfigError


def constant(optimizer: Optimizer, total_steps: int, warmup: float) -> LambdaLR:
    """A linear rise, then the optimizer's learning rate.

    Args:
        optimizer: What is scheduled.
        total_steps: Steps of the whole run.
        warmup: Share of the steps in which the rate rises, 0 to 1.
    """
    return _schedule(optimizer, total_steps, warmup, lambda _: 1.0)


def cosine(optimizer: Optimizer, total_steps: int, warmup: float, floor: float) -> LambdaLR:
    """A linear rise, then half a cosine down (Loshchilov & Hutter, 2017).

    Args:
        optimizer: What is scheduled.
        total_steps: Steps of the whole run.
        warmup: Share of the steps in which the rate rises, 0 to 1.
        floor: Share of the learning rate at which the run ends, 0 to 1.
    """
    _check_share("floor", floor)
    return _schedule(
        optimizer,
        total_steps,
        warmup,
        lambda progress: floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2,
    )


def _schedule(optimizer: Optimizer, total_steps: int, warmup: float, factor: object) -> LambdaLR:
    _check_share("warmup", warmup)
    rising = round(warmup * total_steps)

    def scale(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        progress = (step - rising) / max(total_steps - rising, 1)
        value: float = factor(min(progress, 1.0))  # type: ignore[operator]
        return value

    return LambdaLR(optimizer, scale)


def _check_share(setting: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"scheduler.{setting}: expected a share from 0 to 1, found {value}")
