"""Peak memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil
import torch

_CLEAR = Path("/proc/self/clear_refs")
_UNIT = 1 if sys.platform == "darwin" else 1024


class PeakMemory:
    """How much more memory the process takes than when this was made.

    On a CPU that of the whole process, on a GPU what PyTorch allocated there.

    Args:
        device: Where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_cuda = device.type == "cuda"
        self.before = 0 if self.is_cuda else psutil.Process().memory_info().rss

    def forget(self) -> None:
        """Leave out what was taken for a moment and given back; only Linux can on CPUs."""
        if self.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        elif _CLEAR.exists():
            _CLEAR.write_text("5")

    def peak(self) -> int:
        """Bytes, at most."""
        if self.is_cuda:
            return torch.cuda.max_memory_allocated()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT - self.before
