"""FASTA files to records."""

from __future__ import annotations

from collections.abc import Generator
from os import PathLike

from peftsp.data.lines import TextSource, numbered_lines
from peftsp.data.residues import find_foreign
from peftsp.errors import RecordError
from peftsp.records import SequenceRecord


def read_fasta(source: TextSource, name: str | None = None) -> Generator[SequenceRecord]:
    r"""Yield the records of a FASTA file one by one, holding one in memory.

    Residues are the 20 standard ones and B, J, O, U, X, Z, which makes every letter from A to Z.
    Wrapped and blank lines, any line end, lower case, gzip and one ``*`` after the last residue are
    accepted. Nothing is read, and no error raised, before the first record is asked for.

    >>> import io
    >>> list(read_fasta(io.StringIO(">P1 first\nMKL\nlaa*\n"), "p.fasta"))
    [SequenceRecord(header='P1 first', residues='MKLLAA')]

    Args:
        source: A path, or an open stream of text or bytes.
        name: What error messages call the source; by default its path.

    Raises:
        RecordError: The source cannot be read, has no record, or a record is not FASTA.
    """
    name = name or (str(source) if isinstance(source, str | PathLike) else "input")
    header: tuple[int, str] | None = None
    pieces: list[tuple[int, str]] = []
    for number, line in numbered_lines(source, name):
        text = line.strip()
        if text.startswith(">"):
            if header is not None:
                yield _record(name, header, pieces)
            header, pieces = (number, text[1:].strip()), []
        elif text and header is None:
            raise RecordError(f"{name}:{number}: expected a header '>...', found {text[:30]!r}")
        elif text:
            pieces.append((number, text))
    if header is None:
        raise RecordError(f"{name}: expected FASTA records, found none")
    yield _record(name, header, pieces)


def _record(name: str, header: tuple[int, str], pieces: list[tuple[int, str]]) -> SequenceRecord:
    number, title = header
    if not title:
        raise RecordError(f"{name}:{number}: expected a name after '>', found none")
    identifier = title.split(maxsplit=1)[0]
    if pieces:
        last, text = pieces[-1]
        pieces = [*pieces[:-1], (last, text.removesuffix("*"))]
    for place, text in pieces:
        column = find_foreign(text)
        if column is not None:
            found = f"{text[column]!r} in column {column + 1}"
            raise RecordError(
                f"{name}:{place}: expected residues A to Z, found {found} ({identifier})"
            )
    residues = "".join(text for _, text in pieces).upper()
    if not residues:
        raise RecordError(
            f"{name}:{number}: expected residues after the header, found none ({identifier})"
        )
    return SequenceRecord(title, residues)
