"""Tables that know less than 3-line files."""

import pytest

from peftsp.data.regions import cleavage_site
from peftsp.errors import RecordError
from peftsp.evaluate.dataset import read_test_set

HEADER = "id\tsequence\tsignal_peptide\tsite\tkingdom\n"


def test_a_table_says_presence_or_site_or_both(tmp_path):
    path = tmp_path / "own.tsv"
    rows = "P1\tMKLAAQ\tyes\t4\tarchaea\nP2\tMKLAAQ\tno\tNaN\t\n"
    rows += "P3\tMKLAAQ\t\t3.0\t\nP4\tMKLAAQ\t1\t\t\n"
    path.write_text(HEADER + rows)
    found = read_test_set(path)
    assert not found.has_types
    assert [(r.kingdom, r.sp_type, cleavage_site(r) or 0) for r in found.records] == [
        ("ARCHAEA", "SP", 4), ("UNKNOWN", "NO_SP", 0), ("UNKNOWN", "SP", 3), ("UNKNOWN", "SP", 0),
    ]  # fmt: skip


def test_a_3_line_file_knows_types(tmp_path):
    path = tmp_path / "own.fasta"
    path.write_text(">P1|EUKARYA|SP|0\nMKKLLLLLLLLLAAAQAAE\nSSSSSSSSSSSSSSSSSOO\n")
    assert read_test_set(path).has_types


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("P1\tMKLAAQ\tmaybe\t\t", "yes or no, or a site alone, found 'maybe'"),
        ("P1\tMKLAAQ\t\t\t", "expected signal_peptide yes or no, or a site alone, found ''"),
        ("P1\tMKLAAQ\tno\t4\t", "found 'no' and a site"),
        ("P1\tMKLAAQ\tyes\t6\t", "expected a site of 1 to 5, found '6'"),
        ("P1\tMK-AAQ\tyes\t4\t", "expected residues A to Z, found '-' at position 3"),
        ("P1\tMKLAAQ\tyes\t4\tmars", "expected a kingdom of"),
        ("P1\t\tyes\t4\t", "expected the sequence of a protein, found none (P1)"),
        ("P1\tNA\tyes\t4\t", "expected the sequence of a protein, found none (P1)"),
        ("\tMKLAAQ\tyes\t4\t", "expected the id of a protein, found none"),
        ("P1\tMKLAAQ", "expected a cell for each column, found 2"),
    ],
)  # fmt: skip
def test_a_row_that_says_neither_is_named(tmp_path, row, reason):
    path = tmp_path / "own.tsv"
    path.write_text(f"{HEADER}{row}\n")
    with pytest.raises(RecordError) as caught:
        read_test_set(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a 3-line file or a table, found an empty file"),
        (HEADER, "expected proteins, found none below the header"),
        ("id\tsequence\nP1\tMKL\n", "expected the columns id, sequence, signal_peptide or site"),
    ],
)
def test_a_file_without_what_is_needed_is_named(tmp_path, text, reason):
    path = tmp_path / "own.tsv"
    path.write_text(text)
    with pytest.raises(RecordError) as caught:
        read_test_set(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
