"""FASTA files to records."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from os import PathLike
from pathlib import Path

from peftsp.data.foreign_formats import name_text
from peftsp.data.lines import CutOffError, TextSource, escaped_lines, find_escaped
from peftsp.data.residues import find_foreign
from peftsp.errors import RecordError
from peftsp.labels import MAX_RESIDUES
from peftsp.records import SequenceRecord

EXAMPLES = Path(__file__).with_name("examples.fasta")
"""Ten well-known proteins, with signal peptides of all types but TATLIPO and without."""

MOST_RESIDUES = 200_000
"""Far beyond the longest protein known, of 45,212 residues; what is longer is no protein."""

_SHOWN = 60
_LONGEST_HEADER = 100_000
# Also what DOS ends a file with.
_BLANKS = " \t\n\r\v\f\x1a"
_SIGNS = {"-": "the alignment gap '-'", "*": "the stop sign '*'"}


class NoRecordError(RecordError):
    """A file has no record that is right."""


@dataclass(frozen=True, slots=True)
class WrongRecord:
    """A record that is no protein.

    Attributes:
        line: Number of the line that is wrong, from 1.
        identifier: First word of the header; empty where there is none.
        reason: What was expected and what was found.
    """

    line: int
    identifier: str
    reason: str

    def message(self, name: str) -> str:
        """One line that says what is wrong, where ``name`` is that of the file."""
        whose = f" ({_shortened(self.identifier)})" if self.identifier else ""
        return f"{name}:{self.line}: {self.reason}{whose}"


def read_fasta(source: TextSource, name: str | None = None) -> Generator[SequenceRecord]:
    r"""Yield the records of a FASTA file one by one, holding one in memory.

    Residues are the 20 standard ones and B, J, O, U, X, Z, which makes every letter from A to Z.
    Wrapped and blank lines, blanks between residues, any line end, DOS's end of file, lower case,
    gzip, xz, zst and ``*`` after the last residue are accepted; behind what a model looks at, a
    ``*`` ends the protein. Bytes of a description that are not UTF-8 are taken for Latin-1.
    Nothing is read, and no error raised, before the first record is asked for.

    >>> import io
    >>> list(read_fasta(io.StringIO(">P1 first\nMKL\nlaa*\n"), "p.fasta"))
    [SequenceRecord(header='P1 first', residues='MKLLAA')]

    Args:
        source: A path, or an open stream of text or bytes.
        name: What error messages call the source; by default its path.

    Raises:
        RecordError: The source cannot be read, has no record, or a record is not FASTA.
    """
    name = name or _name_of(source)
    with closing(read_entries(source, name)) as entries:
        for entry in entries:
            if isinstance(entry, WrongRecord):
                raise RecordError(entry.message(name))
            yield entry


def read_entries(
    source: TextSource, name: str | None = None
) -> Generator[SequenceRecord | WrongRecord]:
    r"""The same, with a record that is wrong as what is wrong with it.

    >>> import io
    >>> [entry.identifier for entry in read_entries(io.StringIO(">P1\nMK1\n>P2\nMKL\n"))]
    ['P1', 'P2']

    Raises:
        RecordError: The source cannot be read, is cut off, is no FASTA or has no record.
    """
    name = name or _name_of(source)
    draft: _Draft | None = None
    count, last = 0, ""
    with closing(escaped_lines(source, name)) as lines:
        try:
            for number, line in lines:
                text = line.strip(_BLANKS)
                if text.startswith(">"):
                    if draft is not None:
                        yield draft.finish()
                        count, last = count + 1, draft.identifier
                    draft = _Draft(number, _title(text[1:].strip(_BLANKS)))
                elif text and draft is None:
                    raise RecordError(f"{name}:{number}: {_no_header(text)}")
                elif text and draft is not None:
                    draft.add(number, _without_blanks(text))
        except CutOffError as error:
            where = f"behind record {count:,} ({_shortened(last)})" if count else "in record 1"
            raise RecordError(f"{error}; cut off {where}") from error
    if draft is None:
        raise NoRecordError(f"{name}: expected FASTA records, found none")
    yield draft.finish()


class _Draft:
    """A record so far: its residues, or what is wrong with it.

    Args:
        number: Line of its header.
        title: The header's text.
    """

    def __init__(self, number: int, title: str) -> None:
        self.identifier = title.split(maxsplit=1)[0] if title else ""
        self._number = number
        self._title = title
        self._residues = StringIO()
        self._size = 0
        self._last: tuple[int, str] | None = None
        self._is_ended = False
        self._wrong: WrongRecord | None = None
        byte = find_escaped(title)
        if byte is not None:
            self._refuse(number, f"expected UTF-8 text, found the byte 0x{byte:02x}")
        elif not title:
            self._refuse(number, "expected a name after '>', found none")
        elif len(title) > _LONGEST_HEADER:
            found = f"at most {_LONGEST_HEADER:,} characters, found {len(title):,}"
            self._refuse(number, f"expected a header of {found}")

    def add(self, number: int, text: str) -> None:
        """Take the next line, which is not empty."""
        # The last line only may end in a stop sign.
        if self._last is not None:
            self._keep(*self._last)
        self._last = number, text

    def finish(self) -> SequenceRecord | WrongRecord:
        if self._last is not None:
            number, text = self._last
            self._keep(number, text.rstrip("*"))
        if not self._size:
            self._refuse(self._number, "expected residues after the header, found none")
        return self._wrong or SequenceRecord(self._title, self._residues.getvalue().upper())

    def _keep(self, number: int, text: str) -> None:
        if self._is_ended or self._wrong is not None:
            return
        stop = text.find("*", max(0, MAX_RESIDUES - self._size))
        if stop >= 0:
            text, self._is_ended = text[:stop], True
        column = find_foreign(text)
        if column is not None:
            self._refuse(number, _foreign(text, column))
        self._size += len(text)
        if self._size > MOST_RESIDUES:
            self._refuse(number, f"expected at most {MOST_RESIDUES:,} residues, found more")
        self._residues.write(text)

    def _refuse(self, line: int, reason: str) -> None:
        self._wrong = self._wrong or WrongRecord(line, self.identifier, reason)


def _title(text: str) -> str:
    """The header's text; bytes of a description that are not UTF-8 are taken for Latin-1."""
    identifier = text.split(maxsplit=1)[0] if text else ""
    description = text[len(identifier) :]
    if find_escaped(description) is None:
        return text
    return identifier + description.encode("utf-8", "surrogateescape").decode("latin-1")


def _without_blanks(text: str) -> str:
    return text if text.isalpha() else "".join(text.split())


def _foreign(text: str, column: int) -> str:
    byte = find_escaped(text[column])
    if byte is not None:
        return f"expected UTF-8 text, found the byte 0x{byte:02x}"
    sign = _SIGNS.get(text[column], repr(text[column]))
    return f"expected residues A to Z, found {sign} in column {column + 1}"


def _no_header(text: str) -> str:
    kind = name_text(text)
    return f"expected a header '>...', found {text[:30]!r}" + (f" as in {kind}" if kind else "")


def _name_of(source: TextSource) -> str:
    return str(source) if isinstance(source, str | PathLike) else "input"


def _shortened(identifier: str) -> str:
    return identifier if len(identifier) <= _SHOWN else identifier[:_SHOWN] + "..."
