"""Numbered lines of text, from plain or gzip files and from streams."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, cast

from peftsp.errors import RecordError

TextSource = str | PathLike[str] | IO[str] | IO[bytes]
"""A path, or a stream of text or bytes that is open for reading."""

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = "\ufeff"


def numbered_lines(source: TextSource, name: str) -> Iterator[tuple[int, str]]:
    r"""Yield ``(number, line)`` of a file, counted from 1, without line ends.

    One line is held at a time. Gzip is recognised by its first bytes; any line end and a byte order
    mark are accepted. A stream that the caller opened stays open.

    >>> list(numbered_lines(io.BytesIO(b">P1\r\nMKL\r\n"), "p.fasta"))
    [(1, '>P1'), (2, 'MKL')]

    Raises:
        RecordError: The file cannot be read, its gzip data are damaged, or it is not UTF-8 text.
    """
    number = 0
    try:
        with _opened(source) as text:
            for number, line in enumerate(text, start=1):
                yield number, _checked(line, f"{name}:{number}")
    except FileNotFoundError as error:
        raise RecordError(f"{name}: expected a file, found none") from error
    except IsADirectoryError as error:
        raise RecordError(f"{name}: expected a file, found a folder") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordError(
            f"{name}:{number + 1}: expected whole gzip data, found: {error}"
        ) from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{name}:{number + 1}: expected UTF-8 text, found: {error}") from error
    except OSError as error:
        raise RecordError(
            f"{name}: expected a readable file, found: {error.strerror or error}"
        ) from error


def _checked(line: str, place: str) -> str:
    if not line.isascii():
        line = line.removeprefix(_BYTE_ORDER_MARK)
        escaped = next((c for c in line if "\udc80" <= c <= "\udcff"), None)
        if escaped is not None:
            byte = ord(escaped) - 0xDC00
            raise RecordError(f"{place}: expected UTF-8 text, found the byte 0x{byte:02x}")
    return line.rstrip("\r\n")


@contextmanager
def _opened(source: TextSource) -> Iterator[IO[str]]:
    if isinstance(source, str | PathLike):
        with Path(source).open("rb") as stream, _decoded(stream) as text:
            yield text
    elif isinstance(source.read(0), str):
        yield cast("IO[str]", source)
    else:
        with _decoded(cast("IO[bytes]", source)) as text:
            yield text


@contextmanager
def _decoded(stream: IO[bytes]) -> Iterator[IO[str]]:
    buffered = io.BufferedReader(cast("io.RawIOBase", stream))
    is_gzip = buffered.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    unpacked = gzip.GzipFile(fileobj=buffered) if is_gzip else buffered
    # Bytes that are not UTF-8 become lone surrogates here, so that their line can be named later.
    text = io.TextIOWrapper(cast("IO[bytes]", unpacked), "utf-8", errors="surrogateescape")
    try:
        yield text
    finally:
        # Else the wrappers would close the stream of the caller.
        text.detach()
        buffered.detach()
