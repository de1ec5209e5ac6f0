"""Formats that a file may be in where text, or FASTA, was expected."""

from __future__ import annotations

import re
from codecs import BOM_UTF8

_BINARY = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2 data",
    b"%PDF": "a PDF",
    b"PAR1": "a Parquet table",
}
_TEXT = {
    "@": "FASTQ",
    "CLUSTAL": "a Clustal alignment",
    "# STOCKHOLM": "a Stockholm alignment",
    "#NEXUS": "NEXUS",
    "LOCUS ": "GenBank",
    "ID   ": "EMBL or UniProt text",
    "##gff": "GFF",
    "<": "XML or HTML",
    "{": "JSON",
    "[": "JSON",
}
_TAR_MARK = slice(257, 262)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")


def name_binary(head: bytes) -> str | None:
    r"""Say what a file that is no UTF-8 text is, from its first bytes; None for text.

    Bytes of another 8-bit encoding count as text here.

    >>> name_binary(b">P1\nMKL\n"), name_binary(b"\xff\xfe>\x00"), name_binary(b"\x00\x01")
    (None, 'UTF-16 text', 'binary data')
    """
    for magic, name in _BINARY.items():
        if head.startswith(magic):
            return name
    if head[_TAR_MARK] == b"ustar":
        return "a tar archive"
    if len(head) >= 4 and any(head[::2]) != any(head[1::2]):
        return "UTF-16 text"
    # A description may hold anything.
    is_fasta = head.removeprefix(BOM_UTF8).startswith(b">")
    return "binary data" if _CONTROLS.search(head) and not is_fasta else None


def name_text(line: str) -> str | None:
    """Say what a text that is no FASTA may be, from its first line; None if that does not tell.

    >>> name_text("@read1 1:N:0"), name_text("MKL")
    ('FASTQ', None)
    """
    return next((name for start, name in _TEXT.items() if line.startswith(start)), None)
