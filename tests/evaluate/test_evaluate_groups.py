"""Groups lie in a table of their own, beside the records or where the user says."""

import pytest

from peftsp.evaluate.groups import read_groups

TABLE = "accession\tgroup\tplace\nP1\tmammal\tx\nP2\tNA\ty\n"


@pytest.mark.parametrize("data", ["own.fasta", "own.fasta.gz", "own.fasta.zst"])
def test_groups_beside_the_records_are_found_whether_those_are_packed_or_not(tmp_path, data):
    assert read_groups(None, tmp_path / data) == {}
    (tmp_path / "own.groups.tsv").write_text(TABLE)
    assert read_groups(None, tmp_path / data) == {"P1": "mammal", "P2": ""}


def test_groups_of_another_name_come_first(tmp_path):
    (tmp_path / "own.groups.tsv").write_text(TABLE)
    (tmp_path / "mine.tsv").write_text(TABLE.replace("mammal", "plant"))
    assert read_groups(tmp_path / "mine.tsv", tmp_path / "own.fasta")["P1"] == "plant"
