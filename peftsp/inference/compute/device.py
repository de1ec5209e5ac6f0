"""Where to compute: devices and processors."""

from __future__ import annotations

import math
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.errors import ConfigError
from peftsp.labels import MAX_RESIDUES

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
_GROUP = Path("/sys/fs/cgroup")
_CACHED_BYTES = 12 * 1024**2
_FEWEST, _MOST = 4, 64


def find_device(name: str) -> torch.device:
    """One of `DEVICES`; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: There is no such device, or not in this machine.
    """
    import torch

    if name not in DEVICES:
        raise ConfigError(f"device: expected one of {', '.join(DEVICES)}, found {name!r}")
    is_available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, is_there in is_available.items() if is_there), "cpu")
    if not is_available.get(name, True):
        raise ConfigError(f"device {name}: expected such a device in this machine, found none")
    return torch.device(name)


def may_have_a_gpu() -> bool:
    """Whether PyTorch might find one, told without the seconds that its import takes."""
    drivers = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
    has_driver = sys.platform == "darwin" or any(map(os.path.exists, drivers))
    return has_driver and find_spec("torch") is not None


def fitting_batch_size(kind: str, width: int) -> int:
    """Sequences in a batch where the user names no number.

    GPUs wait if a batch is small. CPUs are fastest while the largest activation, four times as
    wide as the backbone, stays in their cache.

    Args:
        kind: Of the device: ``cpu``, ``cuda`` or ``mps``.
        width: Features of the backbone.

    >>> fitting_batch_size("cpu", 320), fitting_batch_size("cpu", 640)
    (34, 17)
    """
    if kind != "cpu":
        return 256
    bytes_each = 4 * 4 * width * (MAX_RESIDUES + 2)
    return max(_FEWEST, min(_CACHED_BYTES // bytes_each, _MOST))


def usable_cpus(group: Path = _GROUP) -> int:
    """Processors that the system lets this process use, by affinity and by its control group.

    Args:
        group: Where the limits of the control group lie, of version 2 or 1.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(count or 1, _quota(group)))


def _quota(group: Path) -> int:
    for quota, period in (
        ("cpu.max", None),
        ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ):
        try:
            texts = (group / quota).read_text(encoding="ascii").split()
            texts += (group / period).read_text(encoding="ascii").split() if period else []
            allowed, every = (int(text) for text in texts[:2])
        # No such limit, or "max".
        except (OSError, ValueError):
            continue
        if allowed > 0 and every > 0:
            return math.ceil(allowed / every)
    return os.cpu_count() or 1
