"""GFF3 of UniProt, of predictors and of others: signal peptides, and what says nothing of them."""

import pytest

from peftsp.data.regions import cleavage_site
from peftsp.prepare.collection import collect

PROTEINS = {
    "P1": "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG",
    "P2": "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV",
    "P3": "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY",
}
HEAD = "##gff-version 3\n"


@pytest.fixture
def read(tmp_path):
    """Function of a GFF3 file's text: type, site and whether it is weak by protein, and reasons."""

    def read(text, evidence=0, kingdom=None):
        (tmp_path / "p.gff").write_text(text)
        fasta = "".join(f">{name}\n{residues}\n" for name, residues in PROTEINS.items())
        (tmp_path / "p.fasta").write_text(fasta)
        found = collect([tmp_path / "p.gff", tmp_path / "p.fasta"], kingdom, evidence)
        labels = {
            p.record.accession: (p.record.sp_type, cleavage_site(p.record), p.is_weak)
            for p in found.proteins
        }
        return labels, {one.accession: one.reason for one in found.unusable}

    return read


def test_features_of_uniprot_and_what_it_has_none_of(read):
    # With a tab at its end, as UniProt writes it.
    row = "P1\tUniProtKB\tSignal peptide\t1\t18\t.\t.\t.\tOntology_term=ECO:0000269\t\n"
    labels, _ = read(HEAD + "##sequence-region P2 1 41\n" + row, evidence=2)
    assert labels == {"P1": ("SP", 18, False), "P2": ("NO_SP", None, False)}


def test_protein_without_its_beginning_is_a_fragment(read):
    row = "P{}\tUniProtKB\tNon-terminal residue\t{}\t{}\t.\t.\t.\t\n"
    labels, reasons = read(HEAD + row.format(1, 1, 1) + row.format(2, 41, 41))
    assert labels == {"P2": ("NO_SP", None, False)}
    assert reasons["P1"] == "expected a whole protein, found a fragment"


def test_row_may_have_no_attributes(read):
    labels, _ = read(HEAD + "P1\tUniProtKB\tSignal peptide\t1\t18\t.\t.\t.\t\n")
    assert labels["P1"] == ("SP", 18, False)


def test_protein_with_a_row_that_cannot_be_read_is_left_out(read):
    row = "P1\tUniProtKB\tSignal peptide\t1\t18\t.\t.\t.\t.\n"
    labels, reasons = read(HEAD + "##sequence-region P2 1 41\n" + row + "P1\tbroken\n")
    assert labels == {"P2": ("NO_SP", None, False)}
    assert reasons["P1"] == "expected a label of this name, found none"


@pytest.mark.parametrize("name", ["", " ", "%20"])
def test_row_without_a_name_is_of_no_protein(read, name):
    row = "{}\tUniProtKB\tSignal peptide\t1\t18\t.\t.\t.\t.\n".format
    labels, reasons = read(HEAD + row("P1") + row(name))
    assert labels["P1"] == ("SP", 18, False)
    assert "" in reasons


def test_not_a_word_of_signal_peptides_says_nothing(read):
    rows = "P1\tProdigal\tCDS\t1\t39\t.\t+\t0\t.\n##sequence-region P2 1 41\n"
    labels, reasons = read(HEAD + rows)
    assert labels == {}
    unsaid = (
        "expected a reviewed entry or another source that would name a signal peptide, found none"
    )
    assert reasons["P1"] == reasons["P2"] == unsaid


def test_signalp_and_deepsig_are_weak_labels(read):
    row = "{} whole header\tSignalP-6.0\t{}\t1\t{}\t0.9\t.\t.\t{}\n".format
    text = "## gff-version 3\n" + row("P2", "lipoprotein_signal_peptide", 20, ".")
    labels, _ = read(text + row("P3", "signal_peptide", 30, "Note=TAT"))
    assert labels == {"P2": ("LIPO", 20, True), "P3": ("TAT", 30, True)}
    row = "P1\tDeepSig\tChain\t1\t39\t.\t.\t.\tevidence=ECO:0000256\n"
    assert read(HEAD + row, kingdom="EUKARYA")[0] == {"P1": ("NO_SP", None, True)}


def test_predictors_that_tell_no_types_are_taken_of_eukaryotes_alone(read):
    rows = "P1\tDeepSig\tSignal peptide\t1\t18\t.\t.\t.\t.\nP2\tDeepSig\tChain\t1\t41\t.\t.\t.\t.\n"
    told = {"P1": ("SP", 18, True), "P2": ("NO_SP", None, True)}
    assert read(HEAD + rows, kingdom="EUKARYA")[0] == told
    labels, reasons = read(HEAD + rows, kingdom="NEGATIVE")
    assert labels == {}
    expected = (
        "expected a source that tells types of signal peptides apart, found one that does not"
    )
    assert {reasons["P1"], reasons["P2"]} == {f"{expected} and says {t}" for t in ("SP", "NO_SP")}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(1, 18, "SP"), (1, 20, "SP")], "expected one signal peptide, found 2"),
        ([(1, 18, "SP"), (1, 18, "LIPO")], "expected one signal peptide, found 2"),
        ([(5, 18, "SP")], "expected a known cleavage site, found SIGNAL 5..18"),
    ],
)
def test_labels_that_differ_or_begin_elsewhere_are_none(read, rows, reason):
    row = "P1\tpeftsp\tsignal_peptide\t{}\t{}\t.\t.\t.\tsp_type={}\n"
    labels, reasons = read(HEAD + "".join(row.format(*cells) for cells in rows))
    assert (labels, reasons["P1"]) == ({}, reason)


def test_a_label_that_comes_twice_is_one(read):
    row = "P1\tpeftsp\tsignal_peptide\t1\t18\t.\t.\t.\tsp_type=SP\n"
    assert read(HEAD + 2 * row)[0] == {"P1": ("SP", 18, True)}


def test_names_are_encoded_where_the_program_does_so(tmp_path):
    (tmp_path / "p.fasta").write_text(f">a%41\n{PROTEINS['P1']}\n")
    for source, name in (("SignalP-6.0", "a%41"), ("peftsp", "a%2541")):
        row = f"{name}\t{source}\tsignal_peptide\t1\t18\t.\t.\t.\tsp_type=SP\n"
        (tmp_path / "p.gff").write_text(HEAD + row)
        found = collect([tmp_path / "p.gff", tmp_path / "p.fasta"], None, 0)
        assert [p.record.accession for p in found.proteins] == ["a%41"]


@pytest.mark.parametrize("end", ["?", "<18", "."])
def test_unknown_end_gives_no_label(read, end):
    labels, reasons = read(f"{HEAD}P1\tUniProtKB\tSignal peptide\t1\t{end}\t.\t.\t.\t.\n")
    assert labels == {}
    assert reasons["P1"] == "expected a known cleavage site, found SIGNAL 1..?"
