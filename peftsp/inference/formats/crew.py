"""Processes that draw pictures."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import ParamSpec

from peftsp.errors import ConfigError

P = ParamSpec("P")

_WAITING_PER_WORKER = 4


@contextmanager
def drawing(draw: Callable[P, None], workers: int) -> Iterator[Callable[P, None]]:
    """A function that draws, here or in other processes; on leaving, everything is drawn.

    Few pictures wait for the processes, so that memory does not grow.

    Args:
        draw: Draws one picture; a function of a module, and so are its arguments' types.
        workers: Number of processes; 1 for this one.

    Raises:
        ConfigError: The system ended a process.
    """
    if workers == 1:
        yield draw
        return
    # A forked process would inherit PyTorch's threads and memory; a spawned one imports neither.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _leave_interrupts) as pool:
        waiting: deque[Future[None]] = deque()

        def add(*args: P.args, **kwargs: P.kwargs) -> None:
            if len(waiting) == workers * _WAITING_PER_WORKER:
                waiting.popleft().result()
            waiting.append(pool.submit(draw, *args, **kwargs))

        try:
            yield add
            for picture in waiting:
                picture.result()
        except BrokenProcessPool as error:
            raise ConfigError(
                f"--workers {workers}: expected so many processes to draw, found one that the "
                "system ended; fewer take less memory"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    # Ctrl-C reaches every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
