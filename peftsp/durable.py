"""Files that survive a failure and a power cut: whole, or as they were before."""

from __future__ import annotations

import os
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


def put_in_place(partial: Path, path: Path) -> None:
    """Let a file that is written take another's place, once it is on the disk.

    Args:
        partial: The new file, in the same folder.
        path: What it replaces, if there is such a file.
    """
    _flush(partial, os.O_RDWR)  # Windows flushes what is open for writing
    partial.replace(path)
    if hasattr(os, "O_DIRECTORY"):  # elsewhere a folder cannot be opened
        _flush(path.parent, os.O_RDONLY)


def _flush(path: Path, mode: int) -> None:
    number = os.open(path, mode)
    try:
        os.fsync(number)
    finally:
        os.close(number)
