"""What a file is that is no FASTA."""

import io
import tarfile

import pytest

from peftsp.data.foreign_formats import name_binary, name_text


def tar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("proteins.fasta"))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", None),
        (b">P1\r\n\tMKL\x0c\n\x1a", None),
        (">P1 \u00e9\u4e2d".encode(), None),
        (b">P1 \x01\x1b[31m\nMKL", None),
        (b"\xef\xbb\xbf>P1 \x00\nMKL", None),
        (">P1 \u00e9".encode("latin-1"), None),
        (">P1\nMKL".encode("utf-16"), "UTF-16 text"),
        (">P1\nMKL".encode("utf-16-le"), "UTF-16 text"),
        (">P1\nMKL".encode("utf-16-be"), "UTF-16 text"),
        (tar(), "a tar archive"),
        (b"BZh91AY", "bzip2 data"),
        (bytes(range(256)), "binary data"),
        (bytes(100), "binary data"),
    ],
)
def test_first_bytes_tell(head, name):
    assert name_binary(head) == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("@SRR1.1 1 length=36", "FASTQ"),
        ("# STOCKHOLM 1.0", "a Stockholm alignment"),
        ("LOCUS       SCU49845     5028 bp    DNA", "GenBank"),
        ("ID   INS_HUMAN               Reviewed;         110 AA.", "EMBL or UniProt text"),
        ("##gff-version 3", "GFF"),
        ("<!DOCTYPE html>", "XML or HTML"),
        ("MKLLAVA", None),
        ("", None),
    ],
)
def test_first_line_tells(line, name):
    assert name_text(line) == name
