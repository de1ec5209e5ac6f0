"""Where to compute."""

from __future__ import annotations

import torch

from peftsp.errors import ConfigError
from peftsp.labels import MAX_RESIDUES

DEVICES = ("auto", "cpu", "cuda", "mps")
_CACHED_BYTES = 12 * 1024**2
_FEWEST, _MOST = 4, 64


def find_device(name: str) -> torch.device:
    """A device by name; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: There is no such device, in this machine or at all.
    """
    if name not in DEVICES:
        raise ConfigError(f"--device: expected one of {', '.join(DEVICES)}, found {name!r}")
    is_available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, is_there in is_available.items() if is_there), "cpu")
    if not is_available.get(name, True):
        raise ConfigError(f"--device {name}: expected such a device in this machine, found none")
    return torch.device(name)


def fitting_batch_size(device: torch.device, width: int) -> int:
    """Sequences in a batch where the user names no number.

    GPUs wait if a batch is small. CPUs are fastest while the largest activation, four times as
    wide as the backbone, stays in their cache.

    Args:
        device: Where to compute.
        width: Features of the backbone.

    >>> fitting_batch_size(torch.device("cpu"), 320), fitting_batch_size(torch.device("cpu"), 640)
    (34, 17)
    """
    if device.type != "cpu":
        return 256
    bytes_each = 4 * 4 * width * (MAX_RESIDUES + 2)
    return max(_FEWEST, min(_CACHED_BYTES // bytes_each, _MOST))
