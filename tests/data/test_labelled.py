import gzip
import io

import pytest

from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import RecordError
from peftsp.labels import ANNOTATION_LETTER
from peftsp.records import LabelledRecord

SP = ">P1|EUKARYA|SP|0\nMKKLLLLLLLLLAAAQAAE\nSSSSSSSSSSSSSSSSSOO\n"
KINGDOMS = "EUKARYA, POSITIVE, NEGATIVE, ARCHAEA, UNKNOWN"
HEADER = ">ACCESSION|KINGDOM|TYPE|PARTITION"


def broken(text: str) -> str:
    with pytest.raises(RecordError) as caught:
        read_labelled(io.StringIO(text), "train.fasta")
    return str(caught.value)


def test_reads_what_it_writes(tmp_path):
    records = SyntheticProteins(120, seed=1).load()
    write_labelled(records, tmp_path / "proteins.fasta")
    assert read_labelled(tmp_path / "proteins.fasta") == records


@pytest.mark.parametrize(
    "content",
    [
        SP.encode(),
        SP.rstrip().encode(),
        SP.replace("\n", "\r\n").encode(),
        SP.replace("\n", "\n\n").encode(),
        SP.replace("MKKLLL", "mkkLll").encode(),
        SP.replace("|", " | ").encode(),
        b"\xef\xbb\xbf" + SP.encode(),
        gzip.compress(SP.encode(), mtime=0),
    ],
)
def test_reads_any_dress_of_a_record(content, tmp_path):
    path = tmp_path / "train.fasta"
    path.write_bytes(content)
    residues, annotation = SP.split()[1:]
    assert read_labelled(path) == [LabelledRecord("P1", "EUKARYA", "SP", 0, residues, annotation)]


def test_accepts_the_same_accession_twice():
    assert len(read_labelled(io.StringIO(SP + SP))) == 2


def test_accepts_every_letter_as_residue():
    text = SP.replace("LLLLLLLLL", "LBJOUXZLL")
    assert read_labelled(io.StringIO(text))[0].residues == "MKKLBJOUXZLLAAAQAAE"


def test_cuts_long_records_to_70_residues():
    residues, annotation = SP.split()[1:]
    text = f">P1|EUKARYA|SP|0\n{residues}{'E' * 99}\n{annotation}{'O' * 99}\n"
    (record,) = read_labelled(io.StringIO(text))
    assert record.residues == (residues + 51 * "E")
    assert record.annotation == (annotation + 51 * "O")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": expected records of three lines, found none"),
        ("\n \n", ": expected records of three lines, found none"),
        ("MKL\nIII\n", f":1: expected a header {HEADER}, found 'MKL'"),
        (
            ">P1|EUKARYA|SP\nM\nS\n",
            f":1: expected a header {HEADER} of 4 fields, found 3 in '>P1|EUKARYA|SP'",
        ),
        (
            SP + ">P2|EUKARYA|SP|0|1\nM\nS\n",
            f":4: expected a header {HEADER} of 4 fields, found 5 in '>P2|EUKARYA|SP|0|1'",
        ),
        (SP.replace("P1", ""), ":1: expected an accession after '>', found none"),
        (
            SP.replace("EUKARYA", "PLANTS"),
            f":1: expected a kingdom of {KINGDOMS}, found 'PLANTS' (P1)",
        ),
        (
            SP.replace("|SP|", "|sp|"),
            ":1: expected a SP type of NO_SP, SP, LIPO, TAT, TATLIPO, PILIN, found 'sp' (P1)",
        ),
        (
            SP.replace("|0", "|-1"),
            ":1: expected a partition number 0, 1, 2, ..., found '-1' (P1)",
        ),
        (
            SP.replace("|0", "|x"),
            ":1: expected a partition number 0, 1, 2, ..., found 'x' (P1)",
        ),
        (
            SP.replace("SOO", "SO"),
            ":3: label line has 18 characters, sequence has 19 (P1)",
        ),
        (
            SP.replace("AAE", "A-E"),
            ":2: expected residues A to Z, found '-' at position 18 (P1)",
        ),
        (
            SP.replace("|SP|", "|LIPO|"),
            ":3: expected only L, I, M, O, U in the annotation of LIPO, "
            "found 'S' at position 1 (P1)",
        ),
        (
            SP.replace("|SP|", "|NO_SP|"),
            ":3: expected only I, M, O, U in the annotation of NO_SP, found 'S' at position 1 (P1)",
        ),
        (
            SP.replace("S" * 17, "O" * 17),
            ":3: expected the annotation of SP to begin with 'S', found 'O' (P1)",
        ),
        (
            SP.replace("S" * 17, "S" * 15 + "OS"),
            ":3: expected one stretch of 'S' at the start, found another at position 17 (P1)",
        ),
        (
            SP.replace("OO\n", "SS\n"),
            ":3: expected an annotation that a path of SP states can follow, found S19 (P1)",
        ),
        (
            ">P1|ARCHAEA|NO_SP|0\nMKLK\nIIOO\n",
            ":3: expected an annotation that a path of NO_SP states can follow, found I2 O2 (P1)",
        ),
        (
            SP + ">P2|ARCHAEA|SP|0\nMKL\n",
            ":5: expected a header, residues and an annotation, found the end of the file (P2)",
        ),
        (
            ">P2|ARCHAEA|SP|0\n",
            ":1: expected a header, residues and an annotation, found the end of the file (P2)",
        ),
        (
            ">P1|NEGATIVE|LIPO|0\nMKKLLLLLLLLLAGASS\nLLLLLLLLLLLLLLLOO\n",
            ":2: expected C behind the cut of LIPO, at position 16, found S (P1)",
        ),
        (">P2|ARCHAEA|SP|0\nMKL\n" + SP, ":3: expected an annotation, found a header (P2)"),
        (">P2|ARCHAEA|SP|0\n" + SP, ":2: expected residues, found a header (P2)"),
    ],
)
def test_names_place_expectation_and_finding_of_broken_input(text, message):
    assert broken(text) == f"train.fasta{message}"


@pytest.mark.parametrize("sp_type", ["LIPO", "TAT", "TATLIPO", "PILIN"])
def test_names_records_that_end_within_the_signal_peptide(sp_type):
    letter = ANNOTATION_LETTER[sp_type]
    text = f">P1|NEGATIVE|{sp_type}|0\nMKRRLLLLLLLLLLLLLAGC\n{letter * 20}\n"
    assert broken(text) == (
        f"train.fasta:3: expected an annotation that a path of {sp_type} states can follow, "
        f"found {letter}20 (P1)"
    )


def test_missing_file_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"none\.fasta: expected a file, found none$"):
        read_labelled(tmp_path / "none.fasta")


def test_reads_the_real_data_set(real_records, golden_labels):
    assert [record.accession for record in real_records] == golden_labels["accession"].tolist()
    assert [len(r.residues) for r in real_records] == golden_labels["lengths"].tolist()
    assert all(len(record.residues) == len(record.annotation) for record in real_records)
