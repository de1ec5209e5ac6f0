"""Windows of records handed out to workers, any of which may be lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from peftsp.errors import ConfigError, PeftspError
from peftsp.records import Prediction, SequenceRecord

_ATTEMPTS = 3
_AHEAD = 4


@dataclass(slots=True)
class _Task:
    """What a worker has at hand: window ``number``, or nothing but loading its models.

    Attributes:
        records: None while it loads.
        number: Place of the window in the input.
        lost: Workers that were lost with this task.
    """

    records: Sequence[SequenceRecord] | None = None
    number: int = -1
    lost: int = 0


class Crew:
    """Workers of a Ray cluster.

    A worker that there is no room for yet gets no window, so that nothing waits for it; the place
    of a lost one is filled when there is room.

    Args:
        ray: The package, connected.
        start: Starts an actor with the methods of `peftsp.inference.compute.cluster.Worker`.
        size: Number of workers.
    """

    def __init__(self, ray: Any, start: Callable[[], Any], size: int) -> None:
        self._ray = ray
        self._start = start
        self._size = size
        self._idle: list[Any] = []
        self._at_hand: dict[Any, tuple[Any, _Task]] = {}
        self._pending: deque[_Task] = deque()
        self._finished: dict[int, list[Prediction]] = {}

    def predict(self, windows: Iterator[Sequence[SequenceRecord]]) -> Iterator[list[Prediction]]:
        """Yield the predictions of each window in order, holding few windows at a time.

        Raises:
            PeftspError: What a worker raises, or one task loses several workers.
        """
        for _ in range(self._size):
            self._hire(_Task())
        first = taken = 0
        while True:
            while taken - first < self._size * _AHEAD and (window := next(windows, None)):
                self._pending.append(_Task(window, taken))
                taken += 1
            if first == taken:
                return
            while self._idle and self._pending:
                worker, task = self._idle.pop(), self._pending.popleft()
                self._at_hand[worker.predict.remote(task.records)] = worker, task
            self._wait()
            while first in self._finished:
                yield self._finished.pop(first)
                first += 1

    def _hire(self, loading: _Task) -> None:
        worker = self._start()
        self._at_hand[worker.load.remote()] = worker, loading

    def _wait(self) -> None:
        """Until one worker has done, or is lost with, what it had at hand."""
        errors = self._ray.exceptions
        (ticket,), _ = self._ray.wait(list(self._at_hand))
        worker, task = self._at_hand.pop(ticket)
        try:
            result = self._ray.get(ticket)
        except errors.RayTaskError as error:
            if isinstance(error.cause, PeftspError):
                raise error.cause from None
            raise
        except errors.RayError as error:
            self._lose(task, error)
        else:
            self._idle.append(worker)
            if task.records is not None:
                self._finished[task.number] = result

    def _lose(self, task: _Task, error: Exception) -> None:
        task.lost += 1
        if task.lost == _ATTEMPTS:
            doing = "load its models" if task.records is None else "predict a window"
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ConfigError(
                f"--cluster: expected a worker to {doing}, found that {_ATTEMPTS} ended: "
                f"{reason[-1].strip()}"
            ) from error
        if task.records is None:
            self._hire(task)
        else:
            self._pending.appendleft(task)
            self._hire(_Task())
