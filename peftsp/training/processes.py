"""How many processes train a model together, and which of them this is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only

from peftsp.errors import ConfigError


def count_processes(trainer: Mapping[str, Any]) -> int | None:
    """Processes that settings ask for; None where the machine decides.

    Args:
        trainer: Settings of the trainer.

    >>> count_processes({"devices": [2, 3], "num_nodes": 2}), count_processes({"devices": "auto"})
    (4, None)
    """
    devices, nodes = trainer.get("devices", "auto"), int(trainer.get("num_nodes", 1))
    if not isinstance(devices, int | str):
        return len(devices) * nodes
    return int(devices) * nodes if str(devices).isdecimal() else None


def is_first_process(trainer: Mapping[str, Any]) -> bool:
    """Whether this is the first of the processes that train together, or the only one.

    A scheduler numbers the processes that it starts, though each may train a model of its own:
    Lightning takes such a number for the rank until it is told otherwise.

    Args:
        trainer: Settings of the trainer.
    """
    if count_processes(trainer) == 1:
        rank_zero_only.rank = 0  # type: ignore[attr-defined]
    return not getattr(rank_zero_only, "rank", 0)


def check_processes(trainer: Trainer) -> None:
    """Refuse a trainer whose processes a scheduler was to start, and has not.

    Raises:
        ConfigError: Fewer or more of them train together than there are devices.
    """
    expected, found = trainer.num_devices * trainer.num_nodes, trainer.world_size
    if found != expected:
        raise ConfigError(
            f"trainer.devices: expected a process for each of the devices, {expected}, found "
            f"{found}: srun --ntasks-per-node={trainer.num_devices} starts them"
        )
