"""What a source of no known kind seems to be."""

import pytest

from peftsp.errors import RecordError
from peftsp.prepare.collection import collect


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
