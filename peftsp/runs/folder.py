"""The folder of a run: what earlier starts left in it, and who may write to it."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from peftsp.errors import BusyFolderError, CheckpointError, ConfigError, RunError
from peftsp.model.bundle_files import CONFIG_FILE
from peftsp.runs.identity import Contents, contents_of, first_difference, what_counts
from peftsp.runs.record import LOGS, RUN_FILE, RunRecord, read_record, write_record

LAST = "last"
PREVIOUS = "previous"
BUNDLE = "bundle"
CHECKPOINTS = "checkpoints"
WANDB_ID = "wandb_id.txt"
ERROR_LOG = "error.log"
LOG = "train.log"

_LOCK = ".lock"
_ELSEWHERE = "experiment_name=… or name=… takes another folder, overwrite=true starts over"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins.

    Attributes:
        checkpoint: What it goes on from; None for the beginning.
        is_finished: Whether there is nothing left to do.
        goes_on: Whether the checkpoint is of this very run.
    """

    checkpoint: Path | None
    is_finished: bool = False
    goes_on: bool = False


class RunFolder:
    """A folder in which one run has begun, goes on or is finished, or nothing is yet.

    Args:
        path: The folder, which need not exist.
        is_first: Whether this is the first of the processes that train together: the only one that
            writes.

    Attributes:
        path: The same.
    """

    def __init__(self, path: Path, is_first: bool = True) -> None:
        self.path = path
        self._is_first = is_first

    @property
    def last(self) -> Path:
        """The newest resume point, which need not exist."""
        return self.path / CHECKPOINTS / f"{LAST}.ckpt"

    @property
    def previous(self) -> Path:
        """The resume point before it, which need not exist."""
        return self.last.with_stem(PREVIOUS)

    @property
    def has_begun(self) -> bool:
        """Whether there is something to go on from, or the run has come to its end."""
        return self._has_point or self.is_finished

    @property
    def _has_point(self) -> bool:
        return self.last.exists() or self.previous.exists()

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end, and its bundle is there or can be made no more.

        Raises:
            RunError: Its record is broken.
        """
        if not (self.path / RUN_FILE).exists() or read_record(self.path).ended is None:
            return False
        return (self.path / BUNDLE / CONFIG_FILE).exists() or not self._has_point

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from this folder; only the first of a run's own asks.

        Raises:
            BusyFolderError: Another run is there.
        """
        if not self._is_first:
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / _LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise BusyFolderError(
                f"{self.path}: expected no other process there, found one that is training"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def find_start(
        self,
        ckpt_path: str | None,
        overwrite: bool,
        settings: dict[str, Any],
        contents: Contents,
    ) -> Start:
        """Where a run is to begin.

        With ``last`` it goes on with the one found there, which has to be the same run; with
        ``overwrite`` beside it another one is started over. Given the checkpoint that the one found
        there began from, it goes on with that, too: a preempted run gets its command again.

        Args:
            ckpt_path: A checkpoint, ``last`` for the run's own last resume point, None for none.
            overwrite: Delete what an earlier run left, where it is not gone on with.
            settings: Resolved, as nested groups.
            contents: Of what is read.

        Raises:
            ConfigError: There is no such checkpoint, or an earlier run would be overwritten.
            CheckpointError: The checkpoint cannot be read.
            RunError: The run found there is another one, or its record cannot be read.
        """
        if ckpt_path == LAST and not self.has_begun:
            self.say(f"{self.last}: no such checkpoint, starting from the beginning")
            self._clear_of_another(settings, contents, None)
            return Start(None)
        if overwrite:
            goes_on = ckpt_path == LAST and self.is_same(settings, contents)
        else:
            goes_on = ckpt_path == LAST or self._began_from(ckpt_path)
        if goes_on:
            self.check(settings, contents)
            if self.is_finished:
                return Start(None, is_finished=True)
            return Start(self._last_sound(), goes_on=True)
        given = None if ckpt_path in (None, LAST) else Path(ckpt_path or "")
        if given is not None:
            if not given.is_file():
                raise ConfigError(f"ckpt_path: expected a checkpoint or 'last', found {ckpt_path}")
            check_checkpoint(given)
        if not overwrite and self.has_begun:
            state = "a finished run" if self.is_finished else "an unfinished run"
            raise ConfigError(
                f"{self.path}: expected no earlier run there, found {state}: ckpt_path=last goes "
                f"on with it, {_ELSEWHERE}"
            )
        if overwrite and self._is_first:
            self.clear(given)
        self._clear_of_another(settings, contents, given)
        return Start(given)

    def _clear_of_another(
        self, settings: dict[str, Any], contents: Contents, needed: Path | None
    ) -> None:
        """Delete curves and the like of another run that was ended before its first checkpoint."""
        is_left = (self.path / RUN_FILE).exists() and not self.has_begun
        if self._is_first and is_left and not self.is_same(settings, contents):
            self.clear(needed)

    def _began_from(self, ckpt_path: str | None) -> bool:
        if ckpt_path is None or not self.has_begun:
            return False
        return read_record(self.path).settings.get("ckpt_path") == ckpt_path

    def check(self, settings: dict[str, Any], contents: Contents) -> None:
        """Refuse to go on with a run of other settings, data or weights.

        Args:
            settings: Resolved, as nested groups.
            contents: Of what is read.

        Raises:
            RunError: What counts differs, or the record cannot be read.
        """
        kept = read_record(self.path)
        given, was_given = settings.get("ckpt_path"), kept.settings.get("ckpt_path")
        is_unknown = None in (contents.checkpoint, kept.checkpoint_sha256)
        # The run's own, or a file that is there no more or was not kept in mind.
        if given is not None and is_unknown and given in (LAST, was_given):
            contents = replace(contents, checkpoint=kept.checkpoint_sha256)
        before = what_counts(kept.settings, contents_of(kept))
        difference = first_difference(before, what_counts(settings, contents))
        if difference is not None:
            name, was, found = difference
            raise RunError(
                f"{self.path}: expected the settings of the run found there, {name}={was}, "
                f"found {name}={found}: {_ELSEWHERE}"
            )

    def is_same(self, settings: dict[str, Any], contents: Contents) -> bool:
        """Whether the run found there can be gone on with, as `check` says."""
        try:
            self.check(settings, contents)
        except RunError:
            return False
        return True

    def write(self, record: RunRecord) -> None:
        """Keep what the run is asked to do, or what has come of it."""
        if self._is_first:
            write_record(record, self.path)

    def say(self, line: str, is_kept: bool = True) -> None:
        """Show a line, and keep it in ``train.log``."""
        if self._is_first:
            print(line, flush=True)
        if self._is_first and is_kept:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / LOG).open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"{now()} {line}\n")

    def size_of(self, name: str) -> int:
        """Bytes of the files in a folder in this one."""
        files = (self.path / name).rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    def _last_sound(self) -> Path:
        refused: CheckpointError | None = None
        for path in (self.last, self.previous):
            if path.exists():
                try:
                    check_checkpoint(path)
                except CheckpointError as error:
                    refused = error
                    self.say(f"left out: {error}")
                else:
                    return path
        assert refused is not None
        raise refused

    def clear(self, kept: Path | None = None) -> None:
        """Delete what a run has left.

        Args:
            kept: A checkpoint that is still needed; those beside it stay, too, but for what the new
                run might take for its own.
        """
        for name in (RUN_FILE, WANDB_ID, ERROR_LOG):
            (self.path / name).unlink(missing_ok=True)
        kept = kept and kept.resolve()
        is_needed = kept is not None and (self.path / CHECKPOINTS).resolve() in kept.parents
        for name in (BUNDLE, LOGS, *([] if is_needed else [CHECKPOINTS])):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for point in (self.last, self.previous):
            if point.resolve() != kept:
                point.unlink(missing_ok=True)


def now() -> str:
    """The time, ISO 8601, in UTC to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check_checkpoint(path: Path) -> None:
    """Refuse a file that is no checkpoint of a training run, or whose weights are not finite.

    Raises:
        CheckpointError: It is none.
    """
    wanted = f"{path}: expected a checkpoint of a training run"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{wanted}, found a file that cannot be read as one ({reason})"
        ) from error
    if not isinstance(saved, dict) or not {"state_dict", "loops"} <= saved.keys():
        raise CheckpointError(f"{wanted}, found other data")
    for name, tensor in saved["state_dict"].items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{wanted}, found numbers in it that are not finite: {name}")
