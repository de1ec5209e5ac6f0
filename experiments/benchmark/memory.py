"""Peak memory of a contender, measured in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
from itertools import islice
from pathlib import Path

import torch

from experiments.benchmark.contender import Stopwatch
from experiments.benchmark.contenders import TRAIN, build
from experiments.benchmark.workload import make_workload, tasks

STEPS = 2
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def peak_memory(
    name: str, size: str, method: str, mode: str, batch_size: int, device: str, threads: int
) -> int:
    """Bytes that a contender needs beyond what its libraries take, weights included.

    On a CPU the peak of the process during `STEPS` steps, less what it held before the weights
    were drawn; on a GPU what PyTorch allocated there at most.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (name, size, method, mode, batch_size, device, threads))


def _measure(
    name: str, size: str, method: str, mode: str, batch_size: int, device_name: str, threads: int
) -> int:
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    # Imports and the first call of every kernel.
    _work(name, "tiny", method, mode, 1, device)
    before = _resident()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = 0
    _work(name, size, method, mode, batch_size, device)
    return (torch.cuda.max_memory_allocated() if device.type == "cuda" else _peak()) - before


def _work(
    name: str, size: str, method: str, mode: str, batch_size: int, device: torch.device
) -> None:
    contender = build(name, make_workload(size, method), device, mode)
    steps = list(islice(tasks(batch_size, device, seed=0), STEPS))
    for task in steps:
        contender.meet(task)
    gc.collect()
    _forget_peak(device)
    if mode == TRAIN:
        contender.prepare_training()
    for task in steps:
        if mode == TRAIN:
            contender.train_step(task, Stopwatch(device))
        else:
            contender.predict(task, Stopwatch(device))


def _forget_peak(device: torch.device) -> None:
    """Leave out what building the model needed for a moment."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif _CLEAR.exists():
        _CLEAR.write_text("5")


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
