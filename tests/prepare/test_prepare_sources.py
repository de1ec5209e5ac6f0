"""Each kind of source is found by its content, and read by UniProt's rules."""

import json
from pathlib import Path

import pytest

from peftsp.data.regions import cleavage_site
from peftsp.errors import RecordError
from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
LIPO = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV"
TAT = "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY"
PILIN = "MKKGFTLIELMIVVAIIGILAAIAIPAYQDYTARAQLSEA"
EXPERIMENT, BY_RULE = 'evidence="ECO:0000269|PubMed:1"', 'evidence="ECO:0000255"'
COLUMNS = (
    *("Entry", "Reviewed", "Taxonomic lineage", "Signal peptide", "Transmembrane", "Lipidation"),
    *("Propeptide", "Topological domain", "Protein names", "Sequence"),
)
BACTERIUM = "cellular organisms (no rank), Bacteria (domain), Pseudomonadota (phylum)"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def table(folder: Path, *rows: dict[str, str]) -> Path:
    standard = {"Reviewed": "reviewed", "Taxonomic lineage": BACTERIUM}
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join({**standard, **row}.get(name, "") for name in COLUMNS) for row in rows]
    return write(folder / "uniprot.tsv", "\n".join(lines) + "\n")


def labels(collection) -> dict[str, tuple[str, str, int | None]]:
    return {
        p.record.accession: (p.record.kingdom, p.record.sp_type, cleavage_site(p.record))
        for p in collection.proteins
    }


def reasons(collection) -> dict[str, str]:
    return {one.accession: one.reason for one in collection.unusable}


def test_types_of_a_uniprot_table_follow_from_its_features(tmp_path):
    signal = f"SIGNAL 1..18; /{EXPERIMENT}"
    lipid = 'LIPID 21; /note="S-diacylglycerol cysteine"; /evidence="ECO:0000255"'
    source = table(
        tmp_path,
        {"Entry": "P1", "Sequence": SP, "Signal peptide": signal,
         "Taxonomic lineage": "Eukaryota (domain), Fungi (kingdom)"},
        {"Entry": "P2", "Sequence": LIPO, "Lipidation": lipid,
         "Signal peptide": f"SIGNAL 1..20; /{BY_RULE}"},
        {"Entry": "P3", "Sequence": TAT,
         "Signal peptide": f'SIGNAL 1..25; /note="Tat-type signal"; /{BY_RULE}'},
        {"Entry": "P4", "Sequence": PILIN,
         "Propeptide": f'PROPEP 1..4; /note="Leader sequence"; /{BY_RULE}'},
        {"Entry": "P5", "Sequence": SP[::-1].replace("G", "M", 1),
         "Transmembrane": "TRANSMEM 10..25", "Taxonomic lineage": "Bacteria, Bacillota",
         "Topological domain": 'TOPO_DOM 1..9; /note="Cytoplasmic"'},
    )  # fmt: skip
    found = collect([source], None, 0)
    assert not found.unusable
    assert labels(found) == {
        "P1": ("EUKARYA", "SP", 18),
        "P2": ("NEGATIVE", "LIPO", 20),
        "P3": ("NEGATIVE", "TAT", 25),
        "P4": ("NEGATIVE", "PILIN", 4),
        "P5": ("POSITIVE", "NO_SP", None),
    }
    assert found.proteins[0].group == "fungi"
    assert found.proteins[4].record.annotation.startswith("I" * 9 + "M" * 16 + "U")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"Signal peptide": "SIGNAL 1..18"}, "expected evidence manual for the signal peptide"),
        ({"Signal peptide": f"SIGNAL 1..?; /{EXPERIMENT}"}, "found SIGNAL 1..?"),
        ({"Signal peptide": f"SIGNAL 1..4; /{EXPERIMENT}"}, "of 6 to 69 residues, found 4"),
        ({"Protein names": "Some protein (Fragment)"}, "found a fragment"),
        ({"Reviewed": "unreviewed"}, "expected a reviewed entry"),
        ({"Reviewed": ""}, "expected a reviewed entry"),
        ({"Sequence": "A" + SP}, "expected M at the start, found A"),
        ({"Sequence": SP[:9] + "-" + SP[9:]}, "found '-' at position 10"),
        ({"Signal peptide": f'SIGNAL 1..18; /note="Tat-type signal"; /{EXPERIMENT}'},
         "expected RR, KR or RK in a TAT peptide"),
        ({"Signal peptide": f'SIGNAL 1..18; /note="Not cleaved"; /{EXPERIMENT}'}, "Not cleaved"),
        ({"Lipidation": 'LIPID 19; /note="N-palmitoyl cysteine"',
          "Signal peptide": f"SIGNAL 1..18; /{EXPERIMENT}"}, "expected C behind the cut of LIPO"),
        ({"Propeptide": f'PROPEP 1..7; /note="Leader peptide"; /{EXPERIMENT}'}, "end with G"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_listed_with_its_reason(tmp_path, row, reason):
    source = table(tmp_path, {"Entry": "P1", "Sequence": SP, **row})
    found = collect([source], None, 1)
    assert not found.proteins
    [one] = found.unusable
    assert reason in one.reason
    assert (one.place, one.accession) == (f"{source}:2", "P1")


def test_uniprot_json_says_the_same(tmp_path):
    entry = {
        "primaryAccession": "P1",
        "entryType": "UniProtKB reviewed (Swiss-Prot)",
        "organism": {"lineage": ["Archaea", "Methanobacteriota"]},
        "sequence": {"value": SP},
        "features": [
            {"type": "Signal", "description": "",
             "location": {"start": {"value": 1, "modifier": "EXACT"},
                          "end": {"value": 18, "modifier": "EXACT"}},
             "evidences": [{"evidenceCode": "ECO:0000269"}]},
        ],
    }  # fmt: skip
    source = write(
        tmp_path / "e.json", json.dumps({"results": [entry, {"primaryAccession": "P2"}]})
    )
    found = collect([source], None, 2)
    assert labels(found) == {"P1": ("ARCHAEA", "SP", 18)}
    assert found.unusable[0].place == f"{source}: entry 2"
    # As UniProt gives it: one line, here of 1.2 MB.
    many = [{**entry, "comments": "x" * 400_000, "primaryAccession": f"P{n}"} for n in range(3)]
    assert len(collect([write(source, json.dumps(many))], None, 2).proteins) == 1
    wrong = {
        "an accession, found 5": {**entry, "primaryAccession": 5},
        "a sequence, found None": {**entry, "sequence": {"value": None}},
        "the place of a feature, found '1'": {
            **entry,
            "features": [{"type": "Signal", "location": {"start": {"value": "1"}, "end": {}}}],
        },
    }
    found = collect([write(source, json.dumps([entry, *wrong.values()]))], None, 2)
    assert len(found.proteins) == 1
    for one, reason in zip(found.unusable, wrong, strict=True):
        assert one.reason in (f"expected {reason}", "expected a whole entry, found none of 'value'")


def test_a_wrong_first_record_leaves_a_file_of_three_lines(tmp_path):
    good = f">P2|EUKARYA|SP|0\n{SP}\n{'S' * 18 + 'O' * (len(SP) - 18)}\n"
    source = write(tmp_path / "mixed.fasta", f">P1|EUKARYA|SP|0\nMKK\nSS\n{good}")
    found = collect([source], None, 1)
    assert labels(found) == {"P2": ("EUKARYA", "SP", 18)}
    [one] = found.unusable
    assert one.place == f"{source}:1"
    assert "label line has 2 characters, sequence has 3" in one.reason


def test_tables_may_have_their_columns_by_other_names(tmp_path):
    rows = f"entry,type,cs position,sequence\nP1,SP,CS pos: 18-19. Pr: 0.9,{SP}\n"
    found = collect([write(tmp_path / "t.csv", rows)], "EUKARYA", 1)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18)}


def test_uniprot_text_says_the_same(tmp_path):
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
    found = collect([write(tmp_path / "e.txt", text)], None, 2)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18)}
    assert found.proteins[0].group == "metazoa"


def test_labels_of_a_table_go_to_sequences_by_name(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">sp|P1|A_B first\n{SP}\n>P2\n{LIPO}\n>P3\n{TAT}\n")
    rows = "id,type,site,kingdom\nP1,SP,18,EUKARYA\nP2,Sec/SPII,20,\nP4,SP,20,\nP5,XX,1,\n"
    found = collect([write(tmp_path / "l.csv", rows), fasta], "NEGATIVE", 0)
    assert labels(found) == {"P1": ("EUKARYA", "SP", 18), "P2": ("NEGATIVE", "LIPO", 20)}
    lost = reasons(found)
    assert lost["P3"] == "expected a label of this name, found none"
    assert f"{fasta}: entry 3" in {one.place for one in found.unusable}
    assert lost["P4"] == "expected a sequence, found none of this name"
    assert lost["P5"].startswith("expected a type of NO_SP, SP,")


def test_sequences_of_one_name_are_told_apart_by_their_places(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n>P1\n{LIPO}\n")
    with pytest.raises(RecordError, match=r"p\.fasta: entry 2: .* of P1 in .*p\.fasta: entry 1"):
        collect([fasta], None, 0)


def test_predictions_of_signalp_are_weak_labels(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n>P2\n{LIPO}\n")
    text = (
        "# SignalP-6.0\tOrganism: Other\tTimestamp: 1\n# ID\tPrediction\tOTHER\tSP(Sec/SPI)\t"
        "CS Position\nP1\tSP\t0.1\t0.9\tCS pos: 18-19. Pr: 0.9\nP2\tOTHER\t0.9\t0.1\t\n"
    )
    found = collect([write(tmp_path / "prediction_results.txt", text), fasta], None, 0)
    assert labels(found) == {"P1": ("UNKNOWN", "SP", 18), "P2": ("UNKNOWN", "NO_SP", None)}
    assert all(protein.is_weak for protein in found.proteins)


def test_cell_that_cannot_be_read_is_no_missing_signal_peptide(tmp_path):
    header = "Entry\tReviewed\tProtein names\tSignal peptide\tSequence\n"
    rows = f"P1\treviewed\tA\tsignal 1..18\t{SP}\nP2\treviewed\tFragmentin-2\t\t{LIPO}\n"
    rows += f"P3\treviewed\tB (Fragment)\t\t{TAT}\n"
    found = collect([write(tmp_path / "t.tsv", header + rows)], "EUKARYA", 0)
    assert labels(found) == {"P2": ("EUKARYA", "NO_SP", None)}
    assert reasons(found) == {
        "P1": "expected features as 'SIGNAL 1..21' in the column signal peptide, "
        "found 'signal 1..18'",
        "P3": "expected a whole protein, found a fragment",
    }


def test_a_table_of_predictions_has_weak_labels(tmp_path):
    header = "id,sp_type,no_sp,sp,lipo,tat,tatlipo,pilin,cleavage_site,sequence"
    rows = f"{header}\nP1,SP,0,1,0,0,0,0,18,{SP}\n"
    [found] = collect([write(tmp_path / "t.csv", rows)], None, 0).proteins
    assert found.is_weak


def test_whole_name_goes_before_the_accession_in_it(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">sp|P1|A_X\n{SP}\n>P1\n{LIPO}\n")
    rows = "id,type,site\nsp|P1|A_X,SP,18\n"
    found = collect([write(tmp_path / "l.csv", rows), fasta], None, 0)
    assert [protein.record.residues for protein in found.proteins] == [SP]
    rows = "id,type,site\ntr|P1|B_X,SP,18\n"
    found = collect([write(tmp_path / "m.csv", rows), fasta], None, 0)
    assert not found.proteins
    assert reasons(found)["tr|P1|B_X"] == "expected one sequence of this name, found 2"


def test_records_of_three_lines_keep_what_they_say(tmp_path):
    text = f">P1|EUKARYA|SP|4\n{SP}\n{'S' * 18}{'O' * 21}\n>P2|MARS|SP|0\n{SP}\n{'S' * 39}\n"
    found = collect([write(tmp_path / "own.fasta", text)], None, 0)
    assert found.proteins[0].record.annotation == "S" * 18 + "O" * 21
    assert found.proteins[0].partition == 4
    assert "expected a kingdom of" in reasons(found)["P2"]


def test_of_the_same_sequence_one_stays_and_of_contradictions_none(tmp_path):
    rows = f"id,type,site,sequence\nA,SP,18,{SP}\nB,SP,18,{SP}\nC,LIPO,20,{LIPO}\nD,SP,20,{LIPO}\n"
    found = collect([write(tmp_path / "l.csv", rows)], None, 0)
    assert list(labels(found)) == ["A"]
    assert reasons(found)["B"] == "expected each sequence once, found that of A again"
    assert (
        reasons(found)["C"]
        == reasons(found)["D"]
        == ("expected one label of a sequence, found LIPO 20, SP 20 of 2 proteins")
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty file"),
        ("@read\nACGT\n+\nIIII\n", "FASTQ"),
        ("one,two\n1,2\n", "text that begins with 'one,two'"),
        ("<html>\n", "XML or HTML"),
    ],
)
def test_a_source_of_another_kind_says_what_it_seems_to_be(tmp_path, text, found):
    source = write(tmp_path / "x", text)
    with pytest.raises(RecordError, match=f"{source}: expected a UniProt table.*found {found}"):
        collect([source], None, 0)
