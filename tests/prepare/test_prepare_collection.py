"""Labels and sequences of several sources come together by name."""

import pytest

from peftsp.errors import RecordError
from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
LIPO = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV"
TAT = "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY"


def test_labels_of_a_table_go_to_sequences_by_name(tmp_path, written, labels, reasons):
    fasta = written(tmp_path / "p.fasta", f">sp|P1|A_B first\n{SP}\n>P2\n{LIPO}\n>P3\n{TAT}\n")
    rows = "id,type,site,kingdom\nP1,SP,18,EUKARYA\nP2,Sec/SPII,20,\nP4,SP,20,\nP5,XX,1,\n"
    found = collect([written(tmp_path / "l.csv", rows), fasta], "NEGATIVE", 0)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18), "P2": ("NEGATIVE", "LIPO", 20)}
    lost = reasons(found)
    assert lost["P3"] == "expected a label of this name, found none"
    assert f"{fasta}: entry 3" in {one.place for one in found.unusable}
    assert lost["P4"] == "expected a sequence, found none of this name"
    assert lost["P5"].startswith("expected a type of NO_SP, SP,")


def test_sequences_of_one_name_are_told_apart_by_their_places(tmp_path, written):
    fasta = written(tmp_path / "p.fasta", f">P1\n{SP}\n>P1\n{LIPO}\n")
    with pytest.raises(RecordError, match=r"p\.fasta: entry 2: .* of P1 in .*p\.fasta: entry 1"):
        collect([fasta], None, 0)


def test_whole_name_goes_before_the_accession_in_it(tmp_path, written, reasons):
    fasta = written(tmp_path / "p.fasta", f">sp|P1|A_X\n{SP}\n>P1\n{LIPO}\n")
    rows = "id,type,site\nsp|P1|A_X,SP,18\n"
    found = collect([written(tmp_path / "l.csv", rows), fasta], None, 0)
    assert [protein.record.residues for protein in found.proteins] == [SP]
    rows = "id,type,site\ntr|P1|B_X,SP,18\n"
    found = collect([written(tmp_path / "m.csv", rows), fasta], None, 0)
    assert not found.proteins
    assert reasons(found)["tr|P1|B_X"] == "expected one sequence of this name, found 2"


def test_of_the_same_sequence_one_stays_and_of_contradictions_none(
    tmp_path, written, labels, reasons
):
    rows = f"id,type,site,sequence\nA,SP,18,{SP}\nB,SP,18,{SP}\nC,LIPO,20,{LIPO}\nD,SP,20,{LIPO}\n"
    found = collect([written(tmp_path / "l.csv", rows)], None, 0)
    assert list(labels(found)) == ["A"]
    assert reasons(found)["B"] == "expected each sequence once, found that of A again"
    assert (
        reasons(found)["C"]
        == reasons(found)["D"]
        == ("expected one label of a sequence, found LIPO 20, SP 20 of 2 proteins")
    )
