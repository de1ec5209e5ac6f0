"""Processes that draw pictures."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
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
    with ProcessPoolExecutor(workers, context, _follow_parent) as pool:
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


def _follow_parent() -> None:
    # Ctrl-C reaches every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot end the others, which would keep its output open.
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
