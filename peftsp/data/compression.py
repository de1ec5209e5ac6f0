"""Unpacking of gzip, xz and zst, which are told apart by their first bytes."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst"}
_LONGEST_MAGIC = max(map(len, _MAGIC))
# A few packed bytes can stand for very many, which are all held at once.
_PACKED_BLOCK = 4096


Peekable = io.BufferedReader | gzip.GzipFile | lzma.LZMAFile


class DamagedDataError(Exception):
    """Packed data end too early or are not what was packed; the text says how."""


class MissingPackageError(Exception):
    """The package that unpacks a format is not installed; the text is its name."""


@contextmanager
def unpacked(stream: IO[bytes]) -> Iterator[Peekable]:
    """The content of a stream for the length of a block; of a plain one, its bytes.

    The stream stays open, and what was read of it is lost.

    Raises:
        DamagedDataError: In the block, where the data are read.
        MissingPackageError: There is no package that unpacks the format.
    """
    packed: io.BufferedReader = io.BufferedReader(cast("io.RawIOBase", stream))
    head = packed.peek(_LONGEST_MAGIC)
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    try:
        yield _reader(kind, packed)
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise DamagedDataError(f"expected whole {kind} data, found: {error}") from error
    finally:
        # Else the wrapper would close the stream of the caller.
        packed.detach()


def _reader(kind: str | None, packed: io.BufferedReader) -> Peekable:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=packed)
    if kind == "xz":
        return lzma.LZMAFile(packed)
    return packed if kind is None else io.BufferedReader(_ZstReader(packed))


class _ZstReader(io.RawIOBase):
    """Frames of zst one behind the other; unlike the package's reader it notices a missing end."""

    def __init__(self, packed: io.BufferedReader) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise MissingPackageError("zstandard") from error
        self._package: Any = zstandard
        self._packed = packed
        self._frame: Any = None
        self._content = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._content:
            block = self._next_block()
            if not block:
                return 0
            try:
                self._content = self._frame.decompress(block)
            except self._package.ZstdError as error:
                raise EOFError(str(error)) from error
        count = min(len(buffer), len(self._content))
        buffer[:count], self._content = self._content[:count], self._content[count:]
        return count

    def _next_block(self) -> bytes:
        is_between_frames = self._frame is None or self._frame.eof
        rest: bytes = self._frame.unused_data if is_between_frames and self._frame else b""
        block = rest or self._packed.read1(_PACKED_BLOCK)
        if not block and not is_between_frames:
            raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        if is_between_frames:
            self._frame = self._package.ZstdDecompressor().decompressobj()
        return block
