import pytest

from peftsp.data.labelled import write_labelled
from peftsp.data.source import LabelledFile
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import RecordError


def test_loads_the_records_of_a_file(tmp_path):
    records = SyntheticProteins(60, seed=0).load()
    write_labelled(records, tmp_path / "mine.fasta")
    assert LabelledFile(tmp_path / "mine.fasta").load() == records
    assert LabelledFile(str(tmp_path / "mine.fasta")).load() == records


def test_missing_file_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"mine\.fasta: expected a file, found none$"):
        LabelledFile(tmp_path / "mine.fasta").load()
