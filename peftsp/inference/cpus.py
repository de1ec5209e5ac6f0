"""How many processors this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")


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
            texts = (group / quota).read_text().split()
            texts += (group / period).read_text().split() if period else []
            allowed, every = (int(text) for text in texts[:2])
        # No such limit, or "max".
        except (OSError, ValueError):
            continue
        if allowed > 0 and every > 0:
            return math.ceil(allowed / every)
    return os.cpu_count() or 1
