"""Saving a resume point before a scheduler takes the machine away."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lightning.pytorch import Trainer

from peftsp.training.resume import ResumePoint

SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
"""What schedulers send some time before they end a job; Windows has none of it."""


@contextmanager
def saving_before_the_end(trainer: Trainer) -> Iterator[None]:
    """Let a scheduler's warning save a resume point before it takes effect.

    A handler that was there before, such as submitit's, which requeues the job, is called once the
    point after the batch at hand is saved, or at once while nothing trains. Where there was none
    the warning acts as SIGTERM does: Lightning ends the run after the batch. Lightning's own
    handling under Slurm, which leaves checkpoints that a later start would prefer to newer ones,
    stays out as its signal is taken.

    Args:
        trainer: Its `ResumePoint` saves; without one the warning takes effect at once.
    """
    points = [c for c in trainer.checkpoint_callbacks if isinstance(c, ResumePoint)]

    def receive(number: int, frame: FrameType | None) -> None:
        before = handlers[signal.Signals(number)]
        if not callable(before):
            os.kill(os.getpid(), signal.SIGTERM)
        elif points and points[0].has_started and trainer.training:
            points[0].end_after_saving(lambda: before(number, None))
        else:
            before(number, frame)

    if trainer.world_size > 1:
        _only_mark_sigterm(trainer)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, receive)
    try:
        yield
    finally:
        for number, before in handlers.items():
            signal.signal(number, before)


def _only_mark_sigterm(trainer: Trainer) -> None:
    """Let SIGTERM wait for the end of the batch, where all processes agree on it.

    Lightning's own handler broadcasts it at once, for which another process, in the middle of the
    batch, has no ear: both would wait for ever.
    """
    connector = trainer._signal_connector

    def mark(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        launcher = trainer.strategy.launcher
        if launcher is not None and not connector.received_sigterm:
            launcher.kill(signal.Signals(number))
        connector.received_sigterm = True

    connector._sigterm_notifier_fn = mark  # type: ignore[assignment]
