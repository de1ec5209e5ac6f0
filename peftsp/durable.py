"""Files and folders that survive a failure and a power cut: whole, or as they were before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Let a file appear whole or not at all: in its folder, which is made if need be.

    A link is followed; a device or a pipe is written to as it is.

    Args:
        path: The file, replaced if it exists and the block ends well.

    Yields:
        Path beside it to write to; nothing of it is left if the block fails.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Let a folder appear whole or not at all, in the place of one that may be there.

    Args:
        path: The folder, replaced with all that is in it if the block ends well.

    Yields:
        New folder beside it to write to; nothing of it is left if the block fails.
    """
    partial = path.with_name(f".{path.name}.partial")
    former = path.with_name(f".{path.name}.former")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _flush(file, os.O_RDWR)
        # No moment is without a whole folder, by its name or beside it.
        shutil.rmtree(former, ignore_errors=True)
        if path.exists():
            path.rename(former)
        partial.rename(path)
        _flush_folder(path.parent)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        if former.exists() and not path.exists():
            former.rename(path)
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
