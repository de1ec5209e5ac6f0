"""The proteins of all inputs of a run, and what is wrong with those that are none."""

from __future__ import annotations

import glob
import sys
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from peftsp.data.fasta import NoRecordError, WrongRecord, read_entries
from peftsp.data.nucleotides import proteins_alone
from peftsp.errors import RecordError
from peftsp.inference.run.settings import STANDARD_INPUT
from peftsp.records import SequenceRecord


def find_inputs(arguments: Sequence[str]) -> list[str]:
    """Paths that arguments stand for: patterns are filled in, in alphabetical order.

    Raises:
        RecordError: Nothing is there, a folder is, or standard input is named twice.
    """
    paths = []
    for argument in arguments:
        is_path = argument == STANDARD_INPUT or Path(argument).exists()
        # `Path.glob` takes no absolute patterns.
        found = [argument] if is_path else sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
        if not found:
            raise RecordError(f"{argument}: expected a FASTA file: No such file or directory")
        paths += found
    files = (path for path in paths if path != STANDARD_INPUT)
    folder = next((path for path in files if Path(path).is_dir()), None)
    if folder is not None:
        raise RecordError(
            f"{folder}: expected a FASTA file, found a folder; name its files, as in "
            f"'{Path(folder) / '*.fasta'}'"
        )
    times = paths.count(STANDARD_INPUT)
    if times > 1:
        raise RecordError(f"{STANDARD_INPUT}: expected standard input once, found it {times} times")
    return paths


def check_inputs(paths: Sequence[str], is_strict: bool = False) -> None:
    """Look at the beginning of each file, so that a wrong one shows before hours of prediction.

    What can be read only once is left alone.

    Args:
        paths: As `find_inputs` gives them.
        is_strict: Whether each file has to hold a protein.

    Raises:
        RecordError: A file cannot be read, is no FASTA or holds DNA, or none holds a right record.
    """
    empty = []
    for path in paths:
        if _size(path) is not None:
            try:
                with closing(Intake([path]).records()) as records:
                    next(records)
            except NoRecordError as error:
                empty.append(error)
    if empty and (is_strict or len(empty) == len(paths)):
        raise empty[0]


@contextmanager
def open_input(fasta: str) -> Iterator[BinaryIO]:
    """The bytes of an input for the length of a block, packed or not.

    Args:
        fasta: A path, or ``-`` for standard input.

    Raises:
        RecordError: It cannot be opened.
    """
    if fasta == STANDARD_INPUT:
        if sys.stdin is None:
            raise RecordError("standard input: expected FASTA records, found it closed")
        yield sys.stdin.buffer
        return
    try:
        stream = Path(fasta).open("rb")  # noqa: SIM115  (errors of the block are not its own)
    except OSError as error:
        raise RecordError(f"{fasta}: expected a FASTA file: {error.strerror}") from error
    with stream:
        yield stream


class IdentifierBook:
    """Notes the identifiers of proteins in 8 bytes each.

    These are 64-bit hashes: among a million proteins the chance that two different identifiers
    count as one is 3 in 100 million.

    >>> book = IdentifierBook()
    >>> for identifier in ("P1", "P2", "P3", "P2", "P2"):
    ...     book.note(identifier)
    >>> book.count, book.repeats()
    (5, (2, 1))
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def note(self, identifier: str) -> None:
        """Take down the next protein's identifier."""
        self._hashes.append(hash(identifier))

    @property
    def count(self) -> int:
        """Number of proteins so far."""
        return len(self._hashes)

    def repeats(self) -> tuple[int, int] | None:
        """How many proteins have the identifier of an earlier one, and the index of the first such.

        Returns:
            The index is that of the first protein whose identifier comes again; None if none does.
        """
        hashes = np.array(self._hashes, dtype=np.int64)
        _, firsts, counts = np.unique(hashes, return_index=True, return_counts=True)
        if len(firsts) == len(hashes):
            return None
        return len(hashes) - len(firsts), int(firsts[counts > 1].min())


class Intake:
    """Reads inputs one after the other; holds 8 bytes a protein, see `IdentifierBook`.

    Args:
        paths: As `find_inputs` gives them.
        is_strict: End at the first wrong record or empty file instead of leaving it out.
        skip: Takes the name of a file and a record of it that is left out.

    Attributes:
        empty: What is wrong with the files so far that hold no protein.
        identifiers: Those of the proteins so far.
        size: Bytes of all inputs; None if one is a pipe.
    """

    def __init__(
        self,
        paths: Sequence[str],
        is_strict: bool = False,
        skip: Callable[[str, WrongRecord], None] = lambda _name, _wrong: None,
    ) -> None:
        self.empty: list[NoRecordError] = []
        self.identifiers = IdentifierBook()
        sizes = [_size(path) for path in paths]
        self.size = None if None in sizes else sum(size or 0 for size in sizes)
        self._paths = paths
        self._is_strict = is_strict
        self._skip = skip
        self._finished_bytes = 0
        self._stream: BinaryIO | None = None
        self._wrong: WrongRecord | None = None

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._finished_bytes + (self._stream.tell() if self._stream else 0)

    def records(self) -> Generator[SequenceRecord]:
        """Yield the proteins of all inputs in order.

        Raises:
            RecordError: An input cannot be read, is no FASTA or holds DNA; or none holds a right
                record; or the intake is strict and a record is wrong or a file has no right one.
        """
        for path in self._paths:
            name = "standard input" if path == STANDARD_INPUT else path
            with open_input(path) as self._stream:
                try:
                    yield from self._records_of(self._stream, name)
                except NoRecordError as error:
                    if self._is_strict:
                        raise
                    self.empty.append(error)
                self._finished_bytes += _size(path) or 0
                self._stream = None
        if self.empty and not self.identifiers.count:
            raise self.empty[0]

    def _records_of(self, stream: BinaryIO, name: str) -> Generator[SequenceRecord]:
        self._wrong = None
        with closing(read_entries(stream, name)) as entries:
            right = self._right(entries, name)
            first = next(right, None)
            if first is None:
                wrong = self._wrong
                found = f"none; {wrong.message(name)}" if wrong else "none"
                raise NoRecordError(f"{name}: expected proteins, found {found}")
            for record in proteins_alone(chain([first], right), name):
                self.identifiers.note(record.identifier)
                yield record

    def _right(
        self, entries: Generator[SequenceRecord | WrongRecord], name: str
    ) -> Generator[SequenceRecord]:
        for entry in entries:
            if isinstance(entry, SequenceRecord):
                yield entry
            elif self._is_strict:
                raise RecordError(entry.message(name))
            else:
                self._wrong = self._wrong or entry
                self._skip(name, entry)


def _size(path: str) -> int | None:
    if path == STANDARD_INPUT or not Path(path).is_file():
        return None
    return Path(path).stat().st_size
