"""What a source of no known kind seems to be."""

import os

import pytest

from peftsp.errors import RecordError
from peftsp.prepare.collection import collect
from peftsp.prepare.sources.kinds import reader_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty file"),
        ("@read\nACGT\n+\nIIII\n", "FASTQ"),
        ("one,two\n1,2\n", "text that begins with 'one,two'"),
        ("<html>\n", "XML or HTML"),
    ],
)
def test_a_source_of_another_kind_says_what_it_seems_to_be(tmp_path, written, text, found):
    source = written(tmp_path / "x", text)
    with pytest.raises(RecordError, match=f"{source}: expected a UniProt table.*found {found}"):
        collect([source], None, 0)


def test_a_byte_that_is_no_text_decides_no_kind(tmp_path, labels):
    named = ">P1|EUKARYA|SP|0\nMKWVTFISLLFLFSSAYSRGVFRR\n" + "S" * 18 + "O" * 6 + "\n"
    (tmp_path / "x").write_bytes(b">P2 caf\xe9\nMKWV\n")
    (tmp_path / "y").write_text(named)
    assert set(labels(collect([tmp_path / "x", tmp_path / "y"], None, 0))) == {"P1"}


def test_a_pipe_which_cannot_be_read_twice_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordError, match=r"pipe: expected a regular file, found something else"):
        reader_of(tmp_path / "pipe")
