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
from typing import Any

from peftsp.errors import ConfigError, tell
from peftsp.records import Prediction

_WAITING_PER_WORKER = 4

Draw = Callable[..., None]
"""Draws a picture of a prediction, its first argument."""


@contextmanager
def drawing(draw: Draw, workers: int) -> Iterator[Draw]:
    """A function that draws, here or in other processes; on leaving, everything is drawn.

    Few pictures wait for the processes, so that memory does not grow. A picture that cannot be
    drawn is left out, and one line says so.

    Args:
        draw: Draws one picture; a function of a module, and so are its arguments' types.
        workers: Number of processes; 1 for this one.

    Raises:
        ConfigError: The system ended a process.
        OSError: A picture cannot be written.
    """
    failures = _Failures()
    if workers == 1:
        yield lambda *args: failures.note(_attempt(draw, *args))
    else:
        with _pool(workers) as pool:
            waiting: deque[Future[str | None]] = deque()

            def add(*args: Any) -> None:
                if len(waiting) == workers * _WAITING_PER_WORKER:
                    failures.note(waiting.popleft().result())
                waiting.append(pool.submit(_attempt, draw, *args))

            yield add
            for picture in waiting:
                failures.note(picture.result())
    failures.report()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # A forked process would inherit PyTorch's threads and memory; a spawned one imports neither.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _follow_parent) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise ConfigError(
                f"--workers {workers}: expected so many processes to draw, found one that the "
                "system ended; fewer take less memory"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


class _Failures:
    """Pictures that could not be drawn."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def note(self, failure: str | None) -> None:
        if failure is not None:
            self._first = self._first or failure
            self._count += 1

    def report(self) -> None:
        if self._count:
            tell(f"pictures of {self._count:,} proteins are left out, such as of {self._first}")


def _attempt(draw: Draw, prediction: Prediction, *args: Any) -> str | None:
    """Draw; returns what went wrong, but for a file that cannot be written."""
    try:
        draw(prediction, *args)
    except OSError:
        raise
    except Exception as error:
        return f"{prediction.identifier}: {type(error).__name__}: {error}"
    return None


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
