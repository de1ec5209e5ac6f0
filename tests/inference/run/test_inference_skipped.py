"""The table of records that are left out."""

import csv

from peftsp.data.fasta import WrongRecord
from peftsp.inference.run.skipped import SKIPPED_FILE, SkippedRecords


def test_nothing_skipped_makes_no_file(tmp_path):
    skipped = SkippedRecords(tmp_path)
    skipped.close()
    assert skipped.count == 0
    assert not list(tmp_path.iterdir())


def test_each_record_has_its_row(tmp_path):
    skipped = SkippedRecords(tmp_path)
    skipped.note("a.fasta", WrongRecord(4, "P2", "expected residues A to Z, found '*'"))
    skipped.note("standard input", WrongRecord(1, "", "expected a name after '>', found none"))
    skipped.close()
    assert skipped.count == 2
    assert (tmp_path / SKIPPED_FILE).read_text() == (
        "file\tline\tid\treason\n"
        "a.fasta\t4\tP2\texpected residues A to Z, found '*'\n"
        "standard input\t1\t\texpected a name after '>', found none\n"
    )


def test_what_others_wrote_breaks_no_row_and_no_terminal(tmp_path):
    skipped = SkippedRecords(tmp_path)
    hostile = "a\tb\r\nc\x1b[31m\u2028蛋"
    skipped.note(hostile, WrongRecord(1, hostile, hostile))
    skipped.close()
    with (tmp_path / SKIPPED_FILE).open(encoding="utf-8", newline="") as file:
        text = file.read()
    assert "\x1b" not in text
    [_, row] = csv.reader(text.splitlines(), delimiter="\t")
    assert row == ["a\\tb\\r\\nc\\x1b[31m\\u2028蛋", "1", *["a\\tb\\r\\nc\\x1b[31m\\u2028蛋"] * 2]


def test_table_of_an_earlier_run_is_written_anew(tmp_path):
    for reason in ("first", "second"):
        skipped = SkippedRecords(tmp_path)
        skipped.note("a", WrongRecord(1, "P", reason))
        skipped.close()
    assert (tmp_path / SKIPPED_FILE).read_text().splitlines()[1:] == ["a\t1\tP\tsecond"]
