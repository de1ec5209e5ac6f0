"""What a user is told when a folder takes no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peftsp.errors import ConfigError


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Name the folder that a block writes to if the block cannot.

    Raises:
        ConfigError: The disk is full, the folder is read-only, and the like.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{folder}: expected a folder to write to, found: {error.strerror or error}"
        ) from error
