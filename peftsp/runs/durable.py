"""Files that survive a power cut: whole, or as they were before."""

from __future__ import annotations

import os
from pathlib import Path


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
