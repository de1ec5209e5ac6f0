"""GFF3 of UniProt, of predictors and of others."""

from pathlib import Path

import pytest

from peftsp.data.regions import cleavage_site
from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
LIPO = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV"
TAT = "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def labels(collection) -> dict[str, tuple[str, str, int | None]]:
    return {
        p.record.accession: (p.record.kingdom, p.record.sp_type, cleavage_site(p.record))
        for p in collection.proteins
    }


def reasons(collection) -> dict[str, str]:
    return {one.accession: one.reason for one in collection.unusable}


def test_gff3_has_signal_features(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n>P2\n{LIPO}\n")
    text = (
        "##gff-version 3\n##sequence-region P2 1 41\n"
        "P1\tUniProtKB\tSignal peptide\t1\t18\t.\t.\t.\tOntology_term=ECO:0000269\nP1\tbroken\n"
    )
    found = collect([write(tmp_path / "p.gff", text), fasta], None, 2)
    assert labels(found) == {"P2": ("UNKNOWN", "NO_SP", None)}, "a row of P1 cannot be read"
    assert [one.place.split(":")[-1] for one in found.unusable] == ["4", " entry 1"]


def test_gff3_without_a_word_of_signal_peptides_says_nothing(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n>P2\n{LIPO}\n")
    rows = "P1\tProdigal\tCDS\t1\t39\t.\t+\t0\t.\n##sequence-region P2 1 41\n"
    found = collect([write(tmp_path / "p.gff", f"##gff-version 3\n{rows}"), fasta], None, 0)
    assert labels(found) == {}
    assert set(reasons(found).values()) == {
        "expected a reviewed entry or another source that would name a signal peptide, found none"
    }


def test_gff3_of_signalp_and_deepsig_are_weak_labels(tmp_path):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n>P2\n{LIPO}\n>P3\n{TAT}\n")
    row = "{} whole header\tSignalP-6.0\t{}\t1\t{}\t0.9\t.\t.\t{}\n".format
    text = "## gff-version 3\n" + row("P2", "lipoprotein_signal_peptide", 20, ".")
    text += row("P3", "signal_peptide", 30, "Note=TAT")
    found = collect([write(tmp_path / "output.gff3", text), fasta], None, 0)
    assert labels(found) == {"P2": ("UNKNOWN", "LIPO", 20), "P3": ("UNKNOWN", "TAT", 30)}
    row = "P1\tDeepSig\tChain\t1\t39\t.\t.\t.\tevidence=ECO:0000256\n"
    of_deepsig = collect([write(tmp_path / "d.gff3", "##gff-version 3\n" + row), fasta], None, 0)
    assert labels(of_deepsig) == {"P1": ("UNKNOWN", "NO_SP", None)}
    assert all(protein.is_weak for protein in (*found.proteins, *of_deepsig.proteins))


@pytest.mark.parametrize("end", ["?", "<18", "."])
def test_gff3_with_an_unknown_end_gives_no_label(tmp_path, end):
    fasta = write(tmp_path / "p.fasta", f">P1\n{SP}\n")
    row = f"P1\tUniProtKB\tSignal peptide\t1\t{end}\t.\t.\t.\t.\n"
    found = collect([write(tmp_path / "p.gff", "##gff-version 3\n" + row), fasta], None, 0)
    assert reasons(found)["P1"] == "expected a known cleavage site, found SIGNAL 1..?"
