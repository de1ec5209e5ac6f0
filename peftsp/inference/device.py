"""Where to compute."""

from __future__ import annotations

import torch

from peftsp.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


def find_device(name: str) -> torch.device:
    """A device by name; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: This machine has no such device.
    """
    is_available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, is_there in is_available.items() if is_there), "cpu")
    if not is_available.get(name, True):
        raise ConfigError(f"--device {name}: expected such a device in this machine, found none")
    return torch.device(name)


def fitting_batch_size(device: torch.device) -> int:
    """Sequences in a batch where the user names no number: more for GPUs, which wait otherwise.

    >>> fitting_batch_size(torch.device("cpu"))
    64
    """
    return 64 if device.type == "cpu" else 256
