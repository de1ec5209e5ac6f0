"""Inputs: what is read, what is left out, what is refused."""

import csv
import gzip
import hashlib
import io
import json
import lzma
import sys
import tracemalloc
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peftsp.errors import RecordError
from peftsp.inference.commands.predict import main
from peftsp.inference.run.intake import IdentifierBook, Intake, find_inputs
from peftsp.inference.run.store import PredictionStore

PROTEIN = "MKKLLFAIPLVVPFYSHSAQAETVESCLAKPHTENSFTNVWKDDKTLDRYANYEGCLWNATGVVVCTGDETQ"
DNA = "ATGAAAGCTTTCGGCATTCTGCGTACCGGATTGCAAGCTTAA" * 3


@pytest.fixture
def predict(tmp_path, bundles):
    """Function that runs the command on files with given contents and returns its exit status."""

    def run(*contents, options=()):
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}.fasta"
            data = content.encode() if isinstance(content, str) else content
            # A file that is written anew counts as another input when a run is resumed.
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
            paths.append(path)
        out = ["-o", str(tmp_path / "out"), "-b", str(bundles[0]), "--threads", "1"]
        return main([*map(str, paths), *out, *options])

    return run


def rows(folder, name="predictions.csv"):
    with (folder / "out" / name).open() as file:
        return list(csv.DictReader(file, delimiter="\t" if name.endswith("tsv") else ","))


RIGHT = {
    "one residue": (">P1\nM\n", ["P1"]),
    "only X": (f">P1\n{'X' * 70}\n", ["P1"]),
    "titin": (f">P1\n{'MKLAVERT' * 5000}\n", ["P1"]),
    "long id": (f">{'x' * 10_000} y\nMKL\n", ["x" * 10_000]),
    "windows line ends": (">P1\r\nMKL\r\n>P2\r\nMKV\r\n", ["P1", "P2"]),
    "lower case": (">P1\nmkl\n", ["P1"]),
    "stop sign at the end": (">P1\nMKL*\n", ["P1"]),
    "xz": (lzma.compress(b">P1\nMKL\n"), ["P1"]),
    "peptides of four letters": (">P1\nGATC\n>P2\nAAAA\n", ["P1", "P2"]),
    "polyalanine": (f">P1\n{'A' * 99}\n", ["P1"]),
}


@pytest.mark.parametrize(("content", "identifiers"), RIGHT.values(), ids=RIGHT)
def test_odd_but_right_input_is_predicted(predict, tmp_path, content, identifiers):
    assert predict(content) == 0
    assert [row["id"] for row in rows(tmp_path)] == identifiers
    assert not (tmp_path / "out" / "skipped.tsv").exists()


WRONG = {
    "empty": ("", "0.fasta: expected FASTA records, found none"),
    "DNA": (f">P1\n{DNA}\n", "0.fasta: expected protein sequences, found DNA or RNA"),
    "binary": (bytes(range(9)) * 9, "0.fasta: expected UTF-8 text, found binary data"),
    "UTF-16": (">P1\nMKL\n".encode("utf-16"), "0.fasta: expected UTF-8 text, found UTF-16 text"),
    "FASTQ": (
        "@r/1\nACGT\n+\nFFFF\n",
        "0.fasta:1: expected a header '>...', found '@r/1' as in",
    ),
    "truncated gzip": (
        gzip.compress(f">P1\n{PROTEIN}\n>P2\n{PROTEIN}\n".encode() * 50, mtime=0)[:-9],
        "expected whole gzip data, found: Compressed file ended before",
    ),
    "nothing right": (">P1\nM-K\n", "0.fasta: expected proteins, found none; "),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_one_line_and_status_2(predict, tmp_path, capsys, content, message):
    assert predict(content) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out" / "predictions.csv").exists()


@pytest.mark.parametrize("content", [f">P1\n{DNA}\n", "MKL\n"])
def test_wrong_later_input_shows_before_anything_is_predicted(predict, tmp_path, capsys, content):
    assert predict(f">P1\n{PROTEIN}\n", content) == 2
    assert "1.fasta" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "\n\n", gzip.compress(b"", mtime=0), ">P1\nM-K\n"])
def test_file_without_a_protein_among_others_is_named(predict, tmp_path, capsys, content):
    assert predict(f">P1\n{PROTEIN}\n", content, ">P2\nMKL\n") == 0
    assert [row["id"] for row in rows(tmp_path)] == ["P1", "P2"]
    shown = capsys.readouterr().err
    assert shown.startswith(f"{tmp_path / '1.fasta'}: expected ")
    assert shown.count("\n") == 1
    assert predict(content, content) == 2
    assert predict(f">P1\n{PROTEIN}\n", content, options=["--strict"]) == 2


def test_many_wrong_records_take_no_memory(tmp_path):
    path = tmp_path / "p.fasta"
    path.write_text(">P1\nMKL\n" + ">W\nM-\n" * 20_000)
    intake = Intake([str(path)])
    records = intake.records()
    next(records)
    tracemalloc.start()
    assert list(records) == []
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


MIXED = ">P1\nMKL\n>P2\nM*K\n>P3\n>P4\nMKV\n>P5\nMK-L\n"


def test_wrong_records_are_listed_and_the_others_predicted(predict, tmp_path, capsys):
    assert predict(MIXED, ">P6\nMKL\n>\nMM\n") == 0
    assert [row["id"] for row in rows(tmp_path)] == ["P1", "P4", "P6"]
    first, second = (str(tmp_path / f"{number}.fasta") for number in (0, 1))
    found = [(r["file"], r["line"], r["id"], r["reason"]) for r in rows(tmp_path, "skipped.tsv")]
    foreign = "expected residues A to Z, found the"
    assert found == [
        (first, "4", "P2", f"{foreign} stop sign '*' in column 2"),
        (first, "5", "P3", "expected residues after the header, found none"),
        (first, "9", "P5", f"{foreign} alignment gap '-' in column 3"),
        (second, "3", "", "expected a name after '>', found none"),
    ]
    assert "; 4 records were skipped" in capsys.readouterr().out


def test_identifiers_reach_no_terminal_and_no_spreadsheet_as_commands(predict, tmp_path, capsys):
    names = ["=1+1", "+1", "-1", "@x", "P1", "\x1b[31mP\x07", "\x1b[31mP\x07"]
    text = "M" * 1000 + "\n"  # Control characters at the beginning of a file tell that it is none.
    content = "".join(f">{name}\n{text}" for name in names) + ">\x1b]0;x\x07\nM-\n"
    assert predict(content) == 0
    assert [row["id"] for row in rows(tmp_path)] == names
    assert [row["id"] for row in rows(tmp_path, "skipped.tsv")] == ["\\x1b]0;x\\x07"]
    shown = capsys.readouterr().err
    assert "such as \\x1b[31mP\\x07" in shown
    assert "\x1b" not in shown
    assert predict(content, options=["--safe-csv", "--formats", "csv,tsv"]) == 0
    assert [row["id"] for row in rows(tmp_path)][:5] == ["'=1+1", "'+1", "'-1", "'@x", "P1"]
    assert [row["id"] for row in rows(tmp_path, "predictions.tsv")][:2] == ["'=1+1", "'+1"]


def test_messages_stay_short(predict, tmp_path, capsys):
    assert predict(">P1\nMKL\n>" + 90_000 * "x" + "\nMKL1\n", options=["--strict"]) == 2
    assert predict(90_000 * "x") == 2
    assert main(["x" * 5000, "-o", str(tmp_path / "out")]) == 2
    assert max(map(len, capsys.readouterr().err.splitlines())) < 1000


def test_strict_run_ends_at_the_first_wrong_record(predict, tmp_path, capsys):
    assert predict(MIXED, options=["--strict"]) == 2
    assert "0.fasta:4: expected residues A to Z" in capsys.readouterr().err
    assert not (tmp_path / "out" / "predictions.csv").exists()


def test_repeated_identifiers_keep_their_rows(predict, tmp_path, capsys):
    assert predict(">P1\nMKL\n>P1 again\nMKV\n>P2\nMM\n>P1\nMA\n") == 0
    assert [row["id"] for row in rows(tmp_path)] == ["P1", "P1", "P2", "P1"]
    assert "2 proteins have the identifier of an earlier one, such as P1" in capsys.readouterr().err


def test_run_says_what_it_did_and_removes_what_an_earlier_one_left(predict, tmp_path):
    assert predict(MIXED, options=["--formats", "csv,gff3"]) == 0
    (tmp_path / "out" / "mine.txt").write_text("not of a run")
    record = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert record["files"] == ["predictions.csv", "predictions.gff3", "skipped.tsv"]
    assert sum(record["counts"].values()) == 2
    assert record["skipped"] == 3
    assert record["formats"] == ["csv", "gff3"]
    assert datetime.fromisoformat(record["started"]) <= datetime.fromisoformat(record["finished"])
    [bundle] = record["bundles"]
    for name, digest in bundle["sha256"].items():
        file = Path(bundle["path"]) / name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    assert predict(">P1\nMKL\n", options=["--formats", "tsv"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"mine.txt", "predictions.tsv", "prediction.json"}


def test_interrupted_run_over_several_files_finds_wrong_records_again(
    predict, tmp_path, monkeypatch
):
    many = "".join(f">P{i}\n{PROTEIN[: 5 + i % 40]}\n>W{i}\nM-\n" for i in range(40))
    options = ["--batch-size", "2"]
    assert predict(many, many, options=options) == 0
    names = ("predictions.csv", "skipped.tsv")
    expected = [(tmp_path / "out" / name).read_bytes() for name in names]
    with monkeypatch.context() as patch:
        patch.setattr("peftsp.inference.run.execution._write", interrupt)
        assert predict(many, many, options=options) == 130
    partial = tmp_path / "out" / "predictions.partial"
    partial.write_bytes(partial.read_bytes()[:-700])
    assert predict(many, many, options=options) == 0
    found = [(tmp_path / "out" / name).read_bytes() for name in names]
    assert found == expected


def interrupt(*args):
    raise KeyboardInterrupt


def test_patterns_are_filled_in(tmp_path):
    for name in ("b.faa", "a.faa", "c.txt"):
        (tmp_path / name).write_text(">P\nM\n")
    names = [str(tmp_path / name) for name in ("a.faa", "b.faa")]
    assert find_inputs([str(tmp_path / "*.faa")]) == names
    with pytest.raises(RecordError, match=r"\*\.pdb: expected a FASTA file: No such file"):
        find_inputs([str(tmp_path / "*.pdb")])
    with pytest.raises(RecordError, match="expected a FASTA file, found a folder; name its files"):
        find_inputs([names[0], str(tmp_path)])
    with pytest.raises(RecordError, match="-: expected standard input once, found it 2 times"):
        find_inputs(["-", names[0], "-"])


def test_position_reaches_the_size_of_all_inputs(tmp_path):
    paths = []
    for number in range(3):
        paths.append(str(tmp_path / f"{number}.fasta"))
        Path(paths[-1]).write_text(f">P{number}\n{PROTEIN}\n")
    intake = Intake(paths)
    assert [record.identifier for record in intake.records()] == ["P0", "P1", "P2"]
    assert intake.position == intake.size == sum(Path(path).stat().st_size for path in paths)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_one_line_and_status_2(predict, tmp_path, monkeypatch, capsys):
    full = Path("/dev/full").open("w")  # noqa: SIM115  (the store closes it)
    monkeypatch.setattr(PredictionStore, "_open", lambda _store: full)
    assert predict(">P1\nMKL\n") == 2
    found = f"{tmp_path / 'out'}: expected a place to write to, found: No space left on device\n"
    assert capsys.readouterr().err == found
    assert not (tmp_path / "out" / "predictions.csv").exists()


def test_standard_input_may_hold_wrong_records(predict, bundles, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MIXED.encode())))
    out = ["-o", str(tmp_path / "out"), "-b", str(bundles[0])]
    assert main(["-", *out]) == 0
    assert {row["file"] for row in rows(tmp_path, "skipped.tsv")} == {"standard input"}


def test_standard_input_stands_where_it_is_named(bundles, tmp_path, monkeypatch, capsys):
    files = [tmp_path / "first.fasta", tmp_path / "last.fasta"]
    for path in files:
        path.write_text(f">{path.stem}\nMKL\n")
    out = ["-o", str(tmp_path / "out"), "-b", str(bundles[0])]
    for content in (b">between\nMKL\n>wrong\nM-\n", b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        status = main([str(files[0]), "-", str(files[1]), *out])
        assert status == 0
        between = ["between"] if content else []
        assert [row["id"] for row in rows(tmp_path)] == ["first", *between, "last"]
        if content:
            skipped = rows(tmp_path, "skipped.tsv")
            assert [row["file"] for row in skipped] == ["standard input"]
    assert capsys.readouterr().err == "standard input: expected FASTA records, found none\n"


@given(st.lists(st.text("ab", max_size=3), max_size=40))
def test_repeats_are_those_that_a_dictionary_finds(identifiers):
    book = IdentifierBook()
    for identifier in identifiers:
        book.note(identifier)
    assert book.count == len(identifiers)
    again = len(identifiers) - len(set(identifiers))
    firsts = [i for i, name in enumerate(identifiers) if identifiers.count(name) > 1]
    assert book.repeats() == ((again, firsts[0]) if again else None)
