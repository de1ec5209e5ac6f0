"""Processes of contenders, which compute when they are asked."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.contender import Answer, Stopwatch
from benchmarks.contenders import ENTRIES, TRAIN, build
from benchmarks.files import predict_file
from benchmarks.memory import PeakMemory
from benchmarks.workload import make_workload, tasks
from peftsp.allocator import keep_freed_memory

_HEAVY_MODULES = ("cli", "reference", "hugging_face")


class Job(NamedTuple):
    """What a process has to build.

    Attributes:
        name: Of the contender.
        size: Of the backbone.
        method: What trains in it.
        mode: ``train`` or ``predict``.
        batch_size: Sequences in a batch.
        device: Where to compute.
        threads: Of the process.
    """

    name: str
    size: str
    method: str
    mode: str
    batch_size: int
    device: str
    threads: int


class Step(NamedTuple):
    """What one step gave.

    Attributes:
        seconds: It took.
        stages: Seconds of each of `STAGES`.
        memory: Peak during the step, bytes, less what the process held before there was a model.
        answer: In prediction.
    """

    seconds: float
    stages: dict[str, float]
    memory: int
    answer: Answer | None


class WorkerError(Exception):
    """A process failed, or ended before it had answered."""


class Worker:
    """A process that holds a contender and computes when it is asked.

    Args:
        pool: Of one process.
        job: What it has to build.

    Raises:
        WorkerError: It could not.
    """

    def __init__(self, pool: ProcessPoolExecutor, job: Job) -> None:
        self.name, self.pool = job.name, pool
        self.pid: int = self._ask(_build, job)

    def step(self) -> Step:
        """Train or predict the next batch; the n-th one is the same in all processes."""
        return self._ask(_step)

    def predict_file(self, fasta: Path, table: Path) -> None:
        """Predict a FASTA file and write a CSV file."""
        self._ask(_predict_file, fasta, table)

    def _ask(self, what: Callable[..., Any], *given: object) -> Any:
        try:
            return self.pool.submit(what, *given).result()
        except BrokenProcessPool:
            raise WorkerError(f"{self.name}: its process ended") from None
        except Exception as error:
            raise WorkerError(f"{self.name}: its process failed\n{error.__cause__}") from error


@contextmanager
def start_workers(jobs: Iterable[Job]) -> Iterator[dict[str, Worker]]:
    """Processes by the names of their contenders, which end with the block.

    Raises:
        WorkerError: One could not build its contender.
    """
    context = _context()
    # An interrupt reaches all processes of a terminal; the first one ends the others.
    deaf = (signal.signal, (signal.SIGINT, signal.SIG_IGN))
    with ExitStack() as stack:
        workers = {}
        for job in jobs:
            pool = stack.enter_context(ProcessPoolExecutor(1, context, *deaf))
            # One after another: to build takes more memory than to compute.
            workers[job.name] = Worker(pool, job)
        yield workers


def _context() -> ForkServerContext | SpawnContext:
    """Processes forked from one that has imported all and has computed nothing."""
    # On macOS its libraries are not safe to fork.
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"benchmarks.{name}" for name in _HEAVY_MODULES])
    return context


class _Bench:
    """The contender within its process."""

    def __init__(self, job: Job) -> None:
        self.job, self.device = job, torch.device(job.device)
        self.memory = PeakMemory(self.device)
        workload = make_workload(job.size, job.method)
        self.contender = build(job.name, workload, self.device, job.mode)
        self.tasks = tasks(job.batch_size, self.device, seed=1)
        if job.mode == TRAIN:
            self.contender.prepare_training()

    def step(self) -> Step:
        task, watch, answer = next(self.tasks), Stopwatch(self.device), None
        self.contender.meet(task)
        gc.collect()
        self.memory.forget()
        started = time.perf_counter()
        if self.job.mode == TRAIN:
            self.contender.train_step(task, watch)
        else:
            answer = self.contender.predict(task, watch)
        seconds = time.perf_counter() - started
        return Step(seconds, watch.seconds, self.memory.peak(), answer)


_bench: _Bench


def _build(job: Job) -> int:
    """Build the contender of this process, and give the process's number."""
    global _bench
    torch.set_num_threads(job.threads)
    # The first call of every kernel, which is to count neither as time nor as memory.
    _Bench(job._replace(size="tiny", batch_size=1)).step()
    gc.collect()
    _bench = _Bench(job)
    if ENTRIES[job.name].keeps_freed_memory:
        keep_freed_memory()
    return os.getpid()


def _step() -> Step:
    step = _bench.step()
    # Tensors would be sent as shared memory.
    answer = step.answer and Answer(*(p if p is None else p.numpy() for p in step.answer))
    return step._replace(answer=answer)


def _predict_file(fasta: Path, table: Path) -> None:
    predict_file(_bench.job.name, _bench.contender, fasta, table, _bench.job.batch_size)
