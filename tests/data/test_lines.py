"""Lines of text from whatever holds them, with their numbers, and what is no text."""

import gzip
import io
import lzma

import pytest

from peftsp.data.lines import (
    CutOffError,
    escaped_lines,
    find_escaped,
    first_characters,
    numbered_lines,
    whole_text,
)
from peftsp.errors import RecordError

ENDS = ["\n", "\r\n", "\r"]


@pytest.mark.parametrize("end", ENDS, ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("last", ["", "end"])
def test_lines_are_numbered_and_come_without_their_ends(tmp_path, end, last):
    path = tmp_path / "a.txt"
    path.write_bytes(end.join([" first ", "", "é\t", last]).encode())
    lines = [(1, " first "), (2, ""), (3, "é\t"), *([(4, last)] if last else [])]
    assert list(numbered_lines(path, "a")) == lines
    assert list(numbered_lines(str(path), "a")) == lines


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_packed_text_is_read_as_plain_text(pack):
    content = pack("\ufefffirst\r\nsécond\n".encode())
    assert list(numbered_lines(io.BytesIO(content), "a")) == [(1, "first"), (2, "sécond")]
    assert whole_text(io.BytesIO(content), "a") == "first\nsécond\n"


def test_byte_order_mark_is_taken_off_text_streams_too():
    assert list(numbered_lines(io.StringIO("\ufefffirst\nb"), "a")) == [(1, "first"), (2, "b")]
    assert whole_text(io.StringIO("\ufefffirst"), "a") == "first"


@pytest.mark.parametrize(
    ("most", "found"), [(-1, "one\ntwo\n"), (5, "one\nt"), (0, ""), (99, "one\ntwo\n")]
)
def test_first_characters_of_a_text(most, found):
    assert first_characters(io.BytesIO(b"one\ntwo\n"), "a", most) == found


def test_first_characters_may_be_no_text():
    assert first_characters(io.BytesIO(b">P1 caf\xe9"), "a", 99) == ">P1 caf\udce9"


@pytest.mark.parametrize("read", [numbered_lines, whole_text])
def test_leaves_streams_of_the_caller_open(read):
    for stream in (io.BytesIO(b"MKL\n"), io.StringIO("MKL\n")):
        list(read(stream, "a"))
        assert not stream.closed


def test_lines_before_a_wrong_one_are_read():
    lines = numbered_lines(io.BytesIO(b"first\nsec\xe9nd\nthird\n"), "a")
    assert next(lines) == (1, "first")
    with pytest.raises(RecordError, match=r"^a:2: expected UTF-8 text, found the byte 0xe9$"):
        next(lines)
    with pytest.raises(RecordError, match=r"^a: expected UTF-8 text, found the byte 0xe9$"):
        whole_text(io.BytesIO(b"first\nsec\xe9nd\n"), "a")


def test_bytes_that_are_no_text_can_be_looked_at():
    found = list(escaped_lines(io.BytesIO(b"caf\xc3\xa9\ncaf\xe9 \xff\nend"), "a"))
    assert [number for number, _ in found] == [1, 2, 3]
    assert [find_escaped(line) for _, line in found] == [None, 0xE9, None]
    assert found[1][1].encode("utf-8", "surrogateescape") == b"caf\xe9 \xff"


def test_surrogates_that_stand_for_no_byte_are_not_taken_for_one():
    assert [find_escaped(c) for c in ("\udc7f", "\udc80", "\udcff", "\udd00")] == [
        None,
        0x80,
        0xFF,
        None,
    ]


def test_text_stream_that_is_not_utf8_is_named():
    stream = io.TextIOWrapper(io.BytesIO(b">P1 \xe9\nMKL\n"), "utf-8")
    with pytest.raises(RecordError, match=r"^input:1: expected UTF-8 text"):
        list(numbered_lines(stream, "input"))


@pytest.mark.parametrize("read", [numbered_lines, whole_text])
def test_names_missing_file_and_folder(tmp_path, read):
    missing = tmp_path / "missing.fasta"
    for path, found in ((missing, "none"), (tmp_path, "a folder")):
        with pytest.raises(RecordError) as caught:
            list(read(path, str(path)))
        assert str(caught.value) == f"{path}: expected a file, found {found}"


@pytest.mark.parametrize("read", [numbered_lines, whole_text])
def test_what_cannot_be_read_is_one_line(read):
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    with pytest.raises(RecordError, match=r"^a: expected a readable file, found: Input/output"):
        list(read(io.BufferedReader(Broken()), "a"))


@pytest.mark.parametrize("read", [numbered_lines, whole_text])
def test_binary_data_are_named(read):
    with pytest.raises(RecordError, match=r"^a: expected UTF-8 text, found binary data$"):
        list(read(io.BytesIO(b"\x00\x01\x02\x03"), "a"))


def test_file_that_was_cut_off_is_told_behind_its_last_line():
    content = gzip.compress(b"line\n" * 100, mtime=0)[:-8]
    lines = numbered_lines(io.BytesIO(content), "a")
    assert [next(lines) for _ in range(100)][-1] == (100, "line")
    with pytest.raises(CutOffError, match=r"^a:101: expected whole gzip data, found: "):
        next(lines)
    with pytest.raises(CutOffError, match=r"^a: expected whole gzip data, found: "):
        whole_text(io.BytesIO(content), "a")


def test_longest_line_is_read_and_a_longer_one_refused():
    longest = "M" * 999_998 + "\n"
    assert len(next(numbered_lines(io.StringIO(longest), "a"))[1]) == 999_998
    message = r"^a:2: expected lines of less than 1,000,000 characters, found a longer one$"
    with pytest.raises(RecordError, match=message):
        list(numbered_lines(io.StringIO("first\n" + "M" * 1_000_000), "a"))
    assert len(whole_text(io.StringIO("M" * 1_000_001), "a")) == 1_000_001
