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
    _flush(partial)
    partial.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
