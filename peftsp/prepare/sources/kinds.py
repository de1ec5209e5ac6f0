"""Which kind a source is of, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from peftsp.data.foreign_formats import name_text
from peftsp.data.lines import escaped_lines
from peftsp.errors import RecordError
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
KINDS = (
    "a UniProt table (TSV), JSON or text, a table of id, type and site, FASTA, GFF3, "
    "SignalP 6.0's prediction_results.txt or a 3-line file"
)


def reader_of(path: Path) -> Reader:
    """The reader of a source, found by its first lines.

    Raises:
        RecordError: It is of no kind that can be read; says what it seems to be.
    """
    with closing(escaped_lines(path, str(path))) as lines:
        head = list(islice((line for _, line in lines if line.strip()), _HEAD))
    if not head:
        raise RecordError(f"{path}: expected {KINDS}, found an empty file")
    first = head[0]
    if first.startswith(">"):
        is_labelled = len(head) == _HEAD and first.count("|") == 3 and _is_annotation(head)
        return read_three_lines if is_labelled else read_sequences
    starts: dict[str, Reader] = {
        **{"##gff-version": read_gff3, "# SignalP": read_signalp, "# ID\t": read_signalp},
        **{"ID   ": read_uniprot_flat, "{": read_uniprot_json, "[": read_uniprot_json},
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


def _is_annotation(head: list[str]) -> bool:
    return len(head[1].strip()) == len(head[2].strip()) and set(head[2].strip()) <= set("SLTPIMOU")
