"""Peak memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """How much more memory the process takes than when this was made.

    On a CPU that of the whole process, on a GPU what PyTorch allocated there.

    Args:
        device: Where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_cuda = device.type == "cuda"
        self.before = 0 if self.is_cuda else _resident()

    def forget(self) -> None:
        """Leave out what was taken for a moment and given back; only Linux can on CPUs."""
        if self.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        elif _CLEAR.exists():
            _CLEAR.write_text("5")

    def peak(self) -> int:
        """Bytes, at most."""
        return (torch.cuda.max_memory_allocated() if self.is_cuda else _peak()) - self.before


def _resident() -> int:
    return _status("VmRSS") if _STATUS.exists() else _peak()


def _peak() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(key: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024
