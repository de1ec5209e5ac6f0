from datetime import datetime

from peftsp.data.fasta import read_fasta
from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.mature import FASTA
from peftsp.records import Prediction, SequenceRecord

FACTS = RunFacts(1, "other", "model", datetime(2026, 1, 1), 1, False)


def test_only_what_is_cut_off_is_missing(tmp_path):
    cut = Prediction("P1 first", "SP", (0, 1, 0, 0, 0, 0), 3, 1.0, (), "MKLQAV")
    whole = Prediction("P2", "NO_SP", (1, 0, 0, 0, 0, 0), None, None, (), "MKL")
    FASTA.write(lambda: iter([whole, cut]), tmp_path, FACTS)
    assert list(read_fasta(tmp_path / "mature.fasta")) == [SequenceRecord("P1 first", "QAV")]


def test_header_stays_one_line_for_every_reader(tmp_path):
    cut = Prediction("P1 a\x0bb\u2028c\x85d", "SP", (0, 1, 0, 0, 0, 0), 3, 1.0, (), "MKLQAV")
    FASTA.write(lambda: iter([cut]), tmp_path, FACTS)
    text = (tmp_path / "mature.fasta").read_text()
    assert text.splitlines() == [">P1 a b c d", "QAV"]
