"""UniProt's text says what its table says."""

import pytest

from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"


def test_uniprot_text_says_the_same(tmp_path, written, labels):
    pytest.importorskip("Bio")
    text = f"""\
ID   TEST_HUMAN              Reviewed;          39 AA.
AC   P1;
DT   01-JAN-1990, integrated into UniProtKB/Swiss-Prot.
DE   RecName: Full=Test;
OS   Homo sapiens.
OC   Eukaryota; Metazoa; Chordata.
FT   SIGNAL          1..18
FT                   /evidence="ECO:0000269|PubMed:1"
SQ   SEQUENCE   39 AA;  4000 MW;  0000000000000000 CRC64;
     {SP}
//
"""
    found = collect([written(tmp_path / "e.txt", text)], None, 2)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18)}
    assert found.proteins[0].group == "metazoa"
