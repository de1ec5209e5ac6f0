"""Numbered lines of text, from plain or packed files and from streams."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, cast

from peftsp.data.compression import DamagedDataError, MissingPackageError, unpacked
from peftsp.data.foreign_formats import name_binary
from peftsp.errors import RecordError

TextSource = str | PathLike[str] | IO[str] | IO[bytes]
"""A path, or a stream of text or bytes that is open for reading."""

_BYTE_ORDER_MARK = "\ufeff"
_HEAD = 1024
_LONGEST = 1_000_000


class CutOffError(RecordError):
    """Packed data are damaged or end too early; the lines before were right."""


def numbered_lines(source: TextSource, name: str) -> Iterator[tuple[int, str]]:
    r"""Yield ``(number, line)`` of a file, counted from 1, without line ends.

    One line is held at a time. Gzip, xz and zst are recognised by their first bytes; any line end
    and a byte order mark are accepted. A stream that the caller opened stays open.

    >>> list(numbered_lines(io.BytesIO(b">P1\r\nMKL\r\n"), "p.fasta"))
    [(1, '>P1'), (2, 'MKL')]

    Raises:
        RecordError: The file cannot be read, its packed data are damaged, or it is not UTF-8 text.
    """
    for number, line in escaped_lines(source, name):
        byte = find_escaped(line)
        if byte is not None:
            raise RecordError(f"{name}:{number}: expected UTF-8 text, found the byte 0x{byte:02x}")
        yield number, line


def whole_text(source: TextSource, name: str) -> str:
    """The text of a file, however long its lines are.

    Args:
        source: As for `numbered_lines`.
        name: What error messages call it.

    Raises:
        RecordError: The file cannot be read, its packed data are damaged, or it is not UTF-8 text.
    """
    found = first_characters(source, name, -1)
    byte = find_escaped(found)
    if byte is not None:
        raise RecordError(f"{name}: expected UTF-8 text, found the byte 0x{byte:02x}")
    return found


def first_characters(source: TextSource, name: str, most: int) -> str:
    """The beginning of a file, with bytes that are not UTF-8 as lone surrogates.

    Args:
        source: As for `numbered_lines`.
        name: What error messages call it.
        most: How many characters; -1 for all.

    Raises:
        RecordError: The file cannot be read, or its packed data are damaged.
    """
    with _told(name):
        try:
            with _opened(source, name) as text:
                found = text.read(most)
        except DamagedDataError as error:
            raise CutOffError(f"{name}: {error}") from error
    return found.removeprefix(_BYTE_ORDER_MARK)


def escaped_lines(source: TextSource, name: str) -> Generator[tuple[int, str]]:
    """The same, with bytes that are not UTF-8 as lone surrogates, see `find_escaped`.

    Raises:
        RecordError: The file cannot be read, or it is no text.
        CutOffError: Its packed data are damaged.
    """
    number = 0
    with _told(name):
        try:
            with _opened(source, name) as text:
                for number, line in enumerate(iter(partial(text.readline, _LONGEST), ""), start=1):
                    if len(line) == _LONGEST:
                        raise RecordError(
                            f"{name}:{number}: expected lines of less than {_LONGEST:,} "
                            "characters, found a longer one"
                        )
                    if not line.isascii():
                        line = line.removeprefix(_BYTE_ORDER_MARK)
                    yield number, line.rstrip("\r\n")
        except DamagedDataError as error:
            raise CutOffError(f"{name}:{number + 1}: {error}") from error
        except UnicodeDecodeError as error:
            raise RecordError(
                f"{name}:{number + 1}: expected UTF-8 text, found: {error}"
            ) from error


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise RecordError(f"{name}: expected a file, found none") from error
    except IsADirectoryError as error:
        raise RecordError(f"{name}: expected a file, found a folder") from error
    except MissingPackageError as error:
        raise RecordError(
            f"{name}: expected the package {error} to unpack it, found none; pip install {error}"
        ) from error
    except OSError as error:
        raise RecordError(
            f"{name}: expected a readable file, found: {error.strerror or error}"
        ) from error


def find_escaped(line: str) -> int | None:
    r"""Return the first byte of a line that is not UTF-8, None if there is none.

    >>> find_escaped("P1 \udce9"), find_escaped("P1 é")
    (233, None)
    """
    if line.isascii():
        return None
    return next((ord(c) - 0xDC00 for c in line if "\udc80" <= c <= "\udcff"), None)


@contextmanager
def _opened(source: TextSource, name: str) -> Iterator[IO[str]]:
    if isinstance(source, str | PathLike):
        with Path(source).open("rb") as stream, _decoded(stream, name) as text:
            yield text
    elif isinstance(source.read(0), str):
        yield cast("IO[str]", source)
    else:
        with _decoded(cast("IO[bytes]", source), name) as text:
            yield text


@contextmanager
def _decoded(stream: IO[bytes], name: str) -> Iterator[IO[str]]:
    with unpacked(stream) as content:
        found = name_binary(content.peek(_HEAD)[:_HEAD])
        if found is not None:
            raise RecordError(f"{name}: expected UTF-8 text, found {found}")
        # Bytes that are not UTF-8 become lone surrogates here, so that their line can be named.
        text = io.TextIOWrapper(cast("IO[bytes]", content), "utf-8", errors="surrogateescape")
        try:
            yield text
        finally:
            text.detach()
