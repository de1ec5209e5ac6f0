"""Reading of small files that others wrote, which may hold anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from peftsp.errors import PeftspError, plain

_SHOWN = 80


def read_json(path: Path, error: type[PeftspError], most_megabytes: int = 16) -> dict[str, Any]:
    """A JSON object from a file.

    Args:
        path: The file.
        error: What to raise.
        most_megabytes: What the file may have.

    Raises:
        PeftspError: ``error``, in one line: it is no regular file, too large, or holds no JSON
            object of finite numbers.
    """
    check_regular(path, error)
    size = path.stat().st_size
    if size > most_megabytes * 1024**2:
        raise error(f"{path}: expected JSON of at most {most_megabytes} MB, found {size:,} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, OSError, RecursionError) as reason:
        raise error(f"{path}: expected JSON, found {shown(reason)}") from reason
    if not isinstance(content, dict):
        raise error(f"{path}: expected a JSON object, found {shown(content)}")
    return content


def check_regular(path: Path, error: type[PeftspError]) -> None:
    """Check that a path leads to a file whose reading comes to an end.

    Raises:
        PeftspError: ``error``: nothing is there, or a folder, a pipe or a device.
    """
    if is_there(path) and not path.is_file():
        raise error(f"{path}: expected a regular file, found something else")
    if not is_there(path):
        raise error(f"{path}: expected a file, found none")


def is_there(path: Path) -> bool:
    """Whether a path leads to something; a name that no file system takes leads nowhere."""
    try:
        return path.exists()
    except OSError:
        return False


def shown(value: object) -> str:
    """A value of a file in a message, as Python writes it; of an exception what it says.

    >>> shown(None), shown("a"), shown(ValueError("no number"))
    ('None', "'a'", 'no number')
    """
    return plain(str(value) if isinstance(value, BaseException) else repr(value), _SHOWN)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"the number {name}")
