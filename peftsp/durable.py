"""Files and folders that survive a failure and a power cut: whole, or as they were before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peftsp.errors import ConfigError


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Name the file or folder that a block writes to if the block cannot.

    Raises:
        ConfigError: The disk is full, the folder is read-only, and the like.
    """
    try:
        yield
    except OSError as error:
        if _is_elsewhere(error, place):
            raise
        found = error.strerror or error
        raise ConfigError(f"{place}: expected a place to write to, found: {found}") from error


def _is_elsewhere(error: OSError, place: Path) -> bool:
    """Whether an error names a file that is neither beside a place nor on the way to it."""
    if error.filename is None:
        return False
    real = Path(os.path.realpath(place))
    named = Path(os.path.realpath(os.fsdecode(error.filename)))
    return real.parent not in named.parents and named not in real.parents


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Let a file appear whole or not at all: in its folder, which is made if need be.

    A link is followed; a device or a pipe is written to as it is.

    Args:
        path: The file, replaced if it exists and the block ends well.

    Yields:
        Path beside it to write to; nothing of it is left if the block fails.

    Raises:
        ConfigError: See `writing_to`.
    """
    if path.exists() and not path.is_file():
        with writing_to(path):
            yield path
        return
    real = Path(os.path.realpath(path))
    partial = real.with_name(f".{real.name}.partial")
    with writing_to(path):
        real.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            put_in_place(partial, real)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Let a folder appear whole or not at all, in the place of one that may be there.

    Args:
        path: The folder, replaced with all that is in it if the block ends well.

    Yields:
        New folder beside it to write to; nothing of it is left if the block fails.

    Raises:
        ConfigError: See `writing_to`.
    """
    partial = path.with_name(f".{path.name}.partial")
    with writing_to(path):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            for file in partial.rglob("*"):
                if file.is_file():
                    _flush(file, os.O_RDWR)
            _replace_folder(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def put_in_place(partial: Path, path: Path) -> None:
    """Let a file that is written take another's place, once it is on the disk.

    Args:
        partial: The new file, in the same folder.
        path: What it replaces, if there is such a file.
    """
    _flush(partial, os.O_RDWR)
    partial.replace(path)
    _flush_folder(path.parent)


def _replace_folder(partial: Path, path: Path) -> None:
    """Rename both, so that no moment is without a whole folder, by its name or beside it."""
    former = path.with_name(f".{path.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if path.exists():
        path.rename(former)
    try:
        partial.rename(path)
        _flush_folder(path.parent)
    except BaseException:
        if former.exists() and not path.exists():
            former.rename(path)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _flush_folder(path: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):  # elsewhere a folder cannot be opened
        _flush(path, os.O_RDONLY)


def _flush(path: Path, mode: int) -> None:
    """Wait until a file is on the disk; Windows flushes what is open for writing alone."""
    number = os.open(path, mode)
    try:
        os.fsync(number)
    finally:
        os.close(number)
