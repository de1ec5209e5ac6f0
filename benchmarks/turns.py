"""Ways to do the same, timed in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def take_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of each way, a value a round; a first round does not count, and the order changes.

    Args:
        ways: What to time, by name.
        rounds: How often each is timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            started = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values[1:]) for name, values in seconds.items()}


def ratio(rival: np.ndarray, seconds: np.ndarray) -> float:
    """How many times as fast as a rival; median over rounds."""
    return float(np.median(rival / seconds))
