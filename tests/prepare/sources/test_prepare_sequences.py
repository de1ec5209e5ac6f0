"""Records of three lines."""

from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"


def test_a_wrong_first_record_leaves_a_file_of_three_lines(tmp_path, written, labels):
    good = f">P2|EUKARYA|SP|0\n{SP}\n{'S' * 18 + 'O' * (len(SP) - 18)}\n"
    source = written(tmp_path / "mixed.fasta", f">P1|EUKARYA|SP|0\nMKK\nSS\n{good}")
    found = collect([source], None, 1)
    assert labels(found) == {"P2": ("EUKARYA", "SP", 18)}
    [one] = found.unusable
    assert one.place == f"{source}:1"
    assert "label line has 2 characters, sequence has 3" in one.reason


def test_records_of_three_lines_keep_what_they_say(tmp_path, written, reasons):
    text = f">P1|EUKARYA|SP|4\n{SP}\n{'S' * 18}{'O' * 21}\n>P2|MARS|SP|0\n{SP}\n{'S' * 39}\n"
    found = collect([written(tmp_path / "own.fasta", text)], None, 0)
    assert found.proteins[0].record.annotation == "S" * 18 + "O" * 21
    assert found.proteins[0].partition == 4
    assert "expected a kingdom of" in reasons(found)["P2"]
