"""Tables of labels, of UniProt and of predictions."""

import pytest

from peftsp.errors import RecordError
from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
LIPO = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV"
TAT = "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY"


def test_tables_may_have_their_columns_by_other_names(tmp_path, written, labels):
    rows = f"entry,type,cs position,sequence\nP1,SP,CS pos: 18-19. Pr: 0.9,{SP}\n"
    found = collect([written(tmp_path / "t.csv", rows)], "EUKARYA", 1)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18)}


def test_predictions_of_signalp_are_weak_labels(tmp_path, written, labels):
    fasta = written(tmp_path / "p.fasta", f">P1\n{SP}\n>P2\n{LIPO}\n")
    text = (
        "# SignalP-6.0\tOrganism: Other\tTimestamp: 1\n# ID\tPrediction\tOTHER\tSP(Sec/SPI)\t"
        "CS Position\nP1\tSP\t0.1\t0.9\tCS pos: 18-19. Pr: 0.9\nP2\tOTHER\t0.9\t0.1\t\n"
    )
    found = collect([written(tmp_path / "prediction_results.txt", text), fasta], None, 0)
    assert labels(found) == {"P1": ("UNKNOWN", "SP", 18), "P2": ("UNKNOWN", "NO_SP", None)}
    assert all(protein.is_weak for protein in found.proteins)


def test_cell_that_cannot_be_read_is_no_missing_signal_peptide(tmp_path, written, labels, reasons):
    header = "Entry\tReviewed\tProtein names\tSignal peptide\tSequence\n"
    rows = f"P1\treviewed\tA\tsignal 1..18\t{SP}\nP2\treviewed\tFragmentin-2\t\t{LIPO}\n"
    rows += f"P3\treviewed\tB (Fragment)\t\t{TAT}\n"
    found = collect([written(tmp_path / "t.tsv", header + rows)], "EUKARYA", 0)
    assert labels(found) == {"P2": ("EUKARYA", "NO_SP", None)}
    assert reasons(found) == {
        "P1": "expected features as 'SIGNAL 1..21' in the column signal peptide, "
        "found 'signal 1..18'",
        "P3": "expected a whole protein, found a fragment",
    }


def test_a_table_of_predictions_has_weak_labels(tmp_path, written):
    header = "id,sp_type,no_sp,sp,lipo,tat,tatlipo,pilin,cleavage_site,sequence"
    rows = f"{header}\nP1,SP,0,1,0,0,0,0,18,{SP}\n"
    [found] = collect([written(tmp_path / "t.csv", rows)], None, 0).proteins
    assert found.is_weak


def test_cell_that_is_too_large_is_one_line(tmp_path, written):
    rows = f"entry,type,cleavage site,sequence\nP1,SP,18,{'A' * 200_000}\n"
    source = written(tmp_path / "t.csv", rows)
    with pytest.raises(RecordError, match=rf"{source}:2: .* field larger than field limit"):
        collect([source], "EUKARYA", 0)


@pytest.mark.parametrize("missing", ["", "NA", "nan", "<NA>", "None"])
def test_tables_may_come_from_pandas_or_r(tmp_path, written, labels, missing):
    rows = f"id,sp_type,cleavage_site,sequence\nP1,SP,18.0,{SP}\nP2,NO_SP,{missing},{LIPO}\n"
    found = collect([written(tmp_path / "t.csv", rows)], "EUKARYA", 0)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18), "P2": ("EUKARYA", "NO_SP", None)}


def test_what_pandas_or_r_say_is_missing_is_so_in_every_column(tmp_path, written, labels):
    header = "id,type,site,kingdom,group,partition,sequence"
    rows = f"{header}\nP1,SP,18,NA,NaN,NA,{SP}\nP2,SP,18,NA,,,NA\n"
    fasta = written(tmp_path / "p.fasta", f">P2\n{SP}R\n")
    found = collect([written(tmp_path / "t.csv", rows), fasta], "EUKARYA", 0)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18), "P2": ("EUKARYA", "SP", 18)}
    assert [(p.group, p.partition) for p in found.proteins] == [("unknown", None)] * 2


def test_a_column_that_comes_twice_is_refused(tmp_path, written):
    source = written(tmp_path / "t.csv", f"id,type,Site,sequence,site\nP1,SP,18,{SP},20\n")
    with pytest.raises(RecordError, match=rf"{source}:1: expected each column once, found 'site'"):
        collect([source], "EUKARYA", 0)


def test_cell_over_several_lines_is_no_cut_off_sequence(tmp_path, written, labels, reasons):
    rows = f'id,type,site,sequence\nP1,NO_SP,,"{LIPO[:20]}\n{LIPO[20:]}"\nP2,SP,18,"{SP}"\n'
    source = written(tmp_path / "t.csv", rows)
    found = collect([source], "EUKARYA", 0)
    assert labels(found) == {"P2": ("EUKARYA", "SP", 18)}
    assert [(one.place, one.reason) for one in found.unusable] == [
        (f"{source}:2", 'expected a row in one line, found a cell that no " ends'),
        (f"{source}:3", "expected a cell for each column, found 1"),
    ]


def test_export_without_the_columns_that_tell_types_guesses_none(
    tmp_path, written, labels, reasons
):
    signal = 'SIGNAL 1..{}; /evidence="ECO:0000255"'
    rows = [
        ("Entry", "Reviewed", "Taxonomic lineage", "Signal peptide", "Sequence"),
        ("P1", "reviewed", "Bacteria, Pseudomonadota", signal.format(20), LIPO),
        ("P2", "reviewed", "Bacteria, Pseudomonadota", "", LIPO[::-1].replace("V", "M", 1)),
        ("P3", "reviewed", "Bacteria, Pseudomonadota", signal.format(18), SP),
        ("P4", "reviewed", "Eukaryota, Fungi", "", TAT),
    ]
    source = written(tmp_path / "t.tsv", "".join("\t".join(row) + "\n" for row in rows))
    found = collect([source], None, 1)
    assert labels(found) == {"P3": ("NEGATIVE", "SP", 18), "P4": ("EUKARYA", "NO_SP", None)}
    assert reasons(found) == {
        "P1": "expected the column Lipidation, as C behind the cut may be a lipoprotein's, "
        "found none",
        "P2": "expected the column Propeptide, which tells pilins from NO_SP, found none",
    }
