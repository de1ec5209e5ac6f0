"""Processes that hold one contender each and compute when they are asked."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
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

Context = ForkServerContext | SpawnContext
_HEAVY_MODULES = ("cli", "reference", "hugging_face")
_PATIENCE = 5
"""Seconds in which a process that nobody asks any more has to end by itself."""


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
    """A process that builds its contender at once and then waits for requests.

    Args:
        context: How to start it.
        job: What it has to build.
    """

    def __init__(self, context: Context, job: Job) -> None:
        self.name = job.name
        self.pipe, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(far_end, job), daemon=True)
        self.process.start()
        # Else the pipe would stay open when the process dies.
        far_end.close()

    def step(self) -> Step:
        """Train or predict the next batch; the n-th one is the same in all processes."""
        return self._ask("step")

    def predict_file(self, fasta: Path, table: Path) -> None:
        """Predict a FASTA file and write a CSV file."""
        self._ask("predict_file", fasta, table)

    def wait(self) -> Any:
        """Its answer to the last request, or to its start.

        Raises:
            WorkerError: It has none.
        """
        try:
            is_done, answer = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, ConnectionError):
            self.process.join(_PATIENCE)
            code = self.process.exitcode
            raise WorkerError(f"{self.name}: its process ended with exit code {code}") from None
        if not is_done:
            raise WorkerError(f"{self.name}: its process failed\n{answer}")
        return answer

    def end(self) -> None:
        """Wait for the end of the process, but not long."""
        self.pipe.close()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()

    def _ask(self, what: str, *given: object) -> Any:
        # A dead process is told by the lack of an answer.
        with suppress(ConnectionError):
            self.pipe.send((what, given))
        return self.wait()


@contextmanager
def start_workers(jobs: Iterable[Job]) -> Iterator[dict[str, Worker]]:
    """Processes by the names of their contenders, which end with the block.

    Raises:
        WorkerError: One could not build its contender.
    """
    context = _context()
    workers: dict[str, Worker] = {}
    try:
        for job in jobs:
            workers[job.name] = Worker(context, job)
            # One after another: to build takes more memory than to compute.
            workers[job.name].wait()
        yield workers
    finally:
        for worker in workers.values():
            worker.pipe.close()
        for worker in workers.values():
            worker.end()


def _context() -> Context:
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

    def predict_file(self, fasta: Path, table: Path) -> None:
        predict_file(self.job.name, self.contender, fasta, table, self.job.batch_size)


def _serve(pipe: Connection, job: Job) -> None:
    """Answer requests until the other end of the pipe is closed or its process has died."""
    # An interrupt reaches all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        bench = _build(job)
        _reply(pipe, True, None)
        while (request := _next_request(pipe)) is not None:
            what, given = request
            _reply(pipe, True, getattr(bench, what)(*given))
    except Exception:
        _reply(pipe, False, traceback.format_exc())


def _build(job: Job) -> _Bench:
    torch.set_num_threads(job.threads)
    # The first call of every kernel, which is to count neither as time nor as memory.
    _Bench(job._replace(size="tiny", batch_size=1)).step()
    gc.collect()
    bench = _Bench(job)
    if ENTRIES[job.name].keeps_freed_memory:
        keep_freed_memory()
    return bench


def _next_request(pipe: Connection) -> tuple[str, tuple[Any, ...]] | None:
    try:
        return pipe.recv()
    except (EOFError, ConnectionError):
        return None


def _reply(pipe: Connection, is_done: bool, answer: object) -> None:
    # Pickled here, as tensors of an answer would be sent as shared memory otherwise.
    with suppress(ConnectionError):
        pipe.send_bytes(pickle.dumps((is_done, answer)))
