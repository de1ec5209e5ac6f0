import gzip
import io
import random
import string
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peftsp.data.fasta import WrongRecord, read_entries, read_fasta
from peftsp.errors import RecordError
from peftsp.records import SequenceRecord

HEADERS = st.text(string.ascii_letters + string.digits + "|_.=[]()> é\t", min_size=1).filter(
    lambda text: text == text.strip()
)
RECORDS = st.lists(
    st.builds(SequenceRecord, HEADERS, st.text(string.ascii_uppercase, min_size=1, max_size=200)),
    min_size=1,
    max_size=6,
)


def disguised(records: list[SequenceRecord], rng: random.Random) -> bytes:
    """The records as some program might have written them."""
    lines = []
    for record in records:
        lines.append(f">{rng.choice(['', ' '])}{record.header}{rng.choice(['', '  '])}")
        text = "".join(rng.choice([c, c.lower()]) for c in record.residues) + rng.choice(["", "*"])
        width = rng.randint(1, len(text))
        for start in range(0, len(text), width):
            lines.append(text[start : start + width] + rng.choice(["", " ", "\t"]))
            lines += rng.choice([[], [], [""], ["  "]])
    end = rng.choice(["\n", "\r\n", "\r"])
    content = (end.join(lines) + rng.choice(["", end, 2 * end])).encode()
    content = rng.choice([b"", b"\xef\xbb\xbf"]) + content
    return rng.choice([content, gzip.compress(content, mtime=0)])


@given(RECORDS, st.randoms(use_true_random=False))
def test_reads_back_records_however_they_are_written(records, rng):
    assert list(read_fasta(io.BytesIO(disguised(records, rng)))) == records


def test_reads_path_text_and_byte_streams_alike(tmp_path):
    content = ">sp|P1|A_B name OS=x\r\nMKL\r\nlaq*\r\n>2\nBJOUXZ\n"
    expected = [
        SequenceRecord("sp|P1|A_B name OS=x", "MKLLAQ"),
        SequenceRecord("2", "BJOUXZ"),
    ]
    plain, packed = tmp_path / "a.fasta", tmp_path / "packed"
    plain.write_bytes(content.encode())
    packed.write_bytes(gzip.compress(content.encode(), mtime=0))
    with plain.open("rb", buffering=0) as raw, packed.open("rb") as buffered:
        sources = [plain, str(plain), packed, raw, buffered, io.StringIO(content)]
        assert [list(read_fasta(source)) for source in sources] == [expected] * len(sources)


def test_is_lazy(tmp_path):
    records = read_fasta(tmp_path / "missing.fasta")
    with pytest.raises(RecordError):
        next(records)
    broken_later = read_fasta(io.StringIO(">P1\nMKL\n>P2\nM-L\n"))
    assert next(broken_later).header == "P1"
    with pytest.raises(RecordError):
        next(broken_later)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MKL\n>P1\nMKL\n", ":1: expected a header '>...', found 'MKL'"),
        (b"\n\n>\nMKL\n", ":3: expected a name after '>', found none"),
        (b">P1\n>P2\nMKL\n", ":1: expected residues after the header, found none (P1)"),
        (b">P1 x\nMKL\n>P2 y\n", ":3: expected residues after the header, found none (P2)"),
        (b">P1\n*\n", ":1: expected residues after the header, found none (P1)"),
        (
            b">P1\nMKL\nAA-A\n",
            ":3: expected residues A to Z, found the alignment gap '-' in column 3 (P1)",
        ),
        (b">P1\nMK1\n", ":2: expected residues A to Z, found '1' in column 3 (P1)"),
        (b">P1\nMK*L\n", ":2: expected residues A to Z, found the stop sign '*' in column 3 (P1)"),
        (
            b">P1\nMK*\nLL\n",
            ":2: expected residues A to Z, found the stop sign '*' in column 3 (P1)",
        ),
        # In Python the upper case of a long s is S.
        (
            ">P1\nM\u017fL\n".encode(),
            ":2: expected residues A to Z, found '\u017f' in column 2 (P1)",
        ),
        (b">P1\nMKL\n>P2\xe9 x\nMKL\n", ":3: expected UTF-8 text, found the byte 0xe9 (P2\\udce9)"),
        (b"\xff\xfe>\x00P\x00", ": expected UTF-8 text, found UTF-16 text"),
        (b">P1 x\nM\xe9\n", ":2: expected UTF-8 text, found the byte 0xe9 (P1)"),
        (b"@read/1\nACGT\n+\n", ":1: expected a header '>...', found '@read/1' as in FASTQ"),
        (
            b"CLUSTAL W\n\nP1  MK-L\n",
            ":1: expected a header '>...', found 'CLUSTAL W' as in a Clustal alignment",
        ),
        (b"\x00\x01\x02\x03\x04", ": expected UTF-8 text, found binary data"),
        (b"PK\x03\x04 anything", ": expected UTF-8 text, found a zip archive"),
        (gzip.compress(b"\x00" * 9, mtime=0), ": expected UTF-8 text, found binary data"),
        (
            b">" + b"x" * 10_000 + b"\n",
            f":1: expected residues after the header, found none ({'x' * 60}...)",
        ),
        (b"", ": expected FASTA records, found none"),
        (b" \n\r\n", ": expected FASTA records, found none"),
        (gzip.compress(b"", mtime=0), ": expected FASTA records, found none"),
        (
            gzip.compress(b">P1\nMKL\n" * 100, mtime=0)[:-8],
            ":201: expected whole gzip data, found: "
            "Compressed file ended before the end-of-stream marker was reached; "
            "cut off behind record 99 (P1)",
        ),
        (
            b"\x1f\x8b\x08garbage that is not deflated",
            ":1: expected whole gzip data, found: ",
        ),
    ],
)
def test_names_place_and_finding_of_broken_input(content, message, tmp_path):
    path = tmp_path / "broken.fasta"
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        list(read_fasta(path))
    found = str(caught.value)
    assert found == f"{path}{message}" or (
        message.endswith(": ") and found.startswith(f"{path}{message}")
    )
    assert "\n" not in found


def test_calls_a_stream_by_the_given_name():
    with pytest.raises(RecordError, match=r"^standard input:1: expected a header"):
        list(read_fasta(io.StringIO("MKL"), name="standard input"))


def test_holds_one_record_at_a_time():
    opened = []

    class Endless(io.RawIOBase):
        """More records than any memory holds."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            opened.append(len(buffer))
            line = b">P1\nMKL\n"
            buffer[: len(line)] = line
            return len(line)

    records = read_fasta(io.BufferedReader(Endless()))
    for _ in range(1000):
        assert next(records).residues == "MKL"
    records.close()
    assert len(opened) < 5000


def test_reads_real_proteomes(shared):
    paths = sorted((shared / "data" / "proteomes").glob("m*.faa.gz"))
    assert paths
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.faa"
            plain.write_bytes(gzip.decompress(path.read_bytes()))
            records = list(read_fasta(path))
            assert records == list(read_fasta(plain))
            assert len(records) == plain.read_bytes().count(b">")


def test_wrong_records_are_told_and_the_others_read():
    text = ">P1\nMKL\n>P2 gap\nM-L\n>P3\n>P4\nMKLL\n>\nMK\n>P5\nMM\n"
    assert list(read_entries(io.StringIO(text))) == [
        SequenceRecord("P1", "MKL"),
        WrongRecord(4, "P2", "expected residues A to Z, found the alignment gap '-' in column 2"),
        WrongRecord(5, "P3", "expected residues after the header, found none"),
        SequenceRecord("P4", "MKLL"),
        WrongRecord(8, "", "expected a name after '>', found none"),
        SequenceRecord("P5", "MM"),
    ]


@given(RECORDS, st.data())
def test_one_wrong_record_costs_no_other(records, data):
    index = data.draw(st.integers(0, len(records) - 1))
    sequences = [record.residues for record in records]
    sequences[index] += data.draw(st.sampled_from(["-M", "1", "\xe9", "-"]))
    lines = [f">{r.header}\n{s}\n" for r, s in zip(records, sequences, strict=True)]
    entries = list(read_entries(io.BytesIO("".join(lines).encode("latin-1"))))
    if records[index].header.isascii():
        assert isinstance(entries[index], WrongRecord)
    expected = [
        record
        for number, record in enumerate(records)
        if number != index and record.header.isascii()
    ]
    found = [entry for entry in entries if isinstance(entry, SequenceRecord)]
    assert [record for record in found if record.header.isascii()] == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b">P1\nMKL\n\x1a", [("P1", "MKL")]),
        (b">P1\nMKL\x1a", [("P1", "MKL")]),
        (b">P1\nMKLAA VWQRS\n MKL\tAA\n", [("P1", "MKLAAVWQRSMKLAA")]),
        (b">P1 Prot\xe9ine\nMKL\n", [("P1 Prot\xe9ine", "MKL")]),
        (b">P1\nMKL**\n", [("P1", "MKL")]),
        (b">P1\n" + b"M" * 50 + b"\n" + b"K" * 30 + b"*LL\nAA\n", [("P1", "M" * 50 + "K" * 30)]),
    ],
)
def test_record_that_is_not_quite_fasta_is_not_lost(content, expected):
    found = read_fasta(io.BytesIO(content))
    assert [(record.header, record.residues) for record in found] == expected


BOMBS = {
    "one-residue lines": (b">P1\n" + 250_000 * b"M\n", 200002, "at most 200,000 residues, fou"),
    "a line without end": (b">P1\n" + 2_000_000 * b"M", 2, "lines of less than 1,000,000 chara"),
    "a long header": (b">" + 200_000 * b"x" + b"\nMKL\n", 1, "a header of at most 100,000 chara"),
}


@pytest.mark.parametrize(("content", "line", "message"), BOMBS.values(), ids=BOMBS)
def test_what_is_no_protein_takes_little_memory(content, line, message):
    stream = io.BytesIO(gzip.compress(content))
    tracemalloc.start()
    with pytest.raises(RecordError, match=f"^p:{line}: expected {message}"):
        list(read_fasta(stream, "p"))
    assert tracemalloc.get_traced_memory()[1] < 12_000_000
    tracemalloc.stop()
