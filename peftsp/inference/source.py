"""The FASTA file or stream that a run reads."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from peftsp.errors import RecordError

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class FastaSource:
    """An open input.

    Attributes:
        name: What messages call it.
        stream: Its bytes, gzip or not.
        path: Where it can be read again; None for a pipe.
        size: Its size in bytes; None for a pipe.
    """

    name: str
    stream: BinaryIO
    path: Path | None
    size: int | None


@contextmanager
def open_source(fasta: str) -> Iterator[FastaSource]:
    """Open an input for the length of a block.

    Args:
        fasta: A path, or ``-`` for standard input.

    Raises:
        RecordError: It cannot be opened.
    """
    if fasta == STANDARD_INPUT:
        yield FastaSource("standard input", sys.stdin.buffer, None, None)
        return
    try:
        stream = Path(fasta).open("rb")  # noqa: SIM115  (errors of the block are not its own)
    except OSError as error:
        raise RecordError(f"{fasta}: expected a FASTA file: {error.strerror}") from error
    with stream:
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode):
            yield FastaSource(fasta, stream, Path(fasta), status.st_size)
        else:
            yield FastaSource(fasta, stream, None, None)
