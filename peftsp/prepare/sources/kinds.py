"""Which kind a source is of, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from peftsp.data.foreign_formats import name_text
from peftsp.data.lines import escaped_lines, first_characters
from peftsp.errors import RecordError
from peftsp.files import check_regular
from peftsp.labels import KINGDOM_LABELS, SP_TYPES
from peftsp.prepare.entry import Entry, Unusable
from peftsp.prepare.sources.gff3 import read_gff3
from peftsp.prepare.sources.sequences import read_sequences, read_three_lines
from peftsp.prepare.sources.tables import (
    is_label_table,
    is_uniprot_table,
    read_label_table,
    read_signalp,
    read_uniprot_table,
)
from peftsp.prepare.sources.uniprot_flat import read_uniprot_flat
from peftsp.prepare.sources.uniprot_json import read_uniprot_json

Reader = Callable[[Path], Iterator[Entry | Unusable]]

_HEAD = 3
_FIRST = 100
KINDS = (
    "a UniProt table (TSV), JSON or text, a table of id, type and site, FASTA, GFF3, "
    "SignalP 6.0's prediction_results.txt or a 3-line file"
)


def reader_of(path: Path) -> Reader:
    """The reader of a source, found by its first lines.

    Raises:
        RecordError: It is of no kind that can be read; says what it seems to be.
    """
    # It is read more than once, which a pipe cannot be.
    check_regular(path, RecordError)
    if first_characters(path, str(path), _FIRST).lstrip()[:1] in ("{", "["):
        return read_uniprot_json
    with closing(escaped_lines(path, str(path))) as lines:
        head = list(islice((line for _, line in lines if line.strip()), _HEAD))
    if not head:
        raise RecordError(f"{path}: expected {KINDS}, found an empty file")
    first = head[0]
    if first.startswith(">"):
        return read_three_lines if _is_labelled(first) else read_sequences
    starts: dict[str, Reader] = {
        **{"##gff-version": read_gff3, "## gff-version": read_gff3},  # SignalP 6.0 has the space
        **{"# SignalP": read_signalp, "# ID\t": read_signalp, "ID   ": read_uniprot_flat},
    }
    for start, reader in starts.items():
        if first.startswith(start):
            return reader
    if is_uniprot_table(first):
        return read_uniprot_table
    if is_label_table(first):
        return read_label_table
    if len(first.split("\t")) == 9 and first.split("\t")[3].isdecimal():
        return read_gff3
    found = name_text(first) or f"text that begins with {first[:40]!r}"
    raise RecordError(f"{path}: expected {KINDS}, found {found}")


def _is_labelled(header: str) -> bool:
    """Whether a header is one of the 3-line format, whatever follows it."""
    fields = [field.strip() for field in header.split("|")]
    return len(fields) == 4 and (fields[1] in KINGDOM_LABELS or fields[2] in SP_TYPES)
