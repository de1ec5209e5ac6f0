"""Packed files: read like plain ones, and never shorter than they are."""

import gzip
import io
import lzma
import sys

import pytest

from peftsp.data.compression import unpacked
from peftsp.data.fasta import read_fasta
from peftsp.errors import RecordError

CONTENT = "".join(f">P{index}\nMKL{'AWY'[index % 3] * 50}\n" for index in range(5000)).encode()


def zst(content):
    return (
        pytest.importorskip("zstandard").ZstdCompressor(write_content_size=False).compress(content)
    )


PACKERS = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress, "zst": zst}
packed_kinds = pytest.mark.parametrize("kind", ["gzip", "xz", "zst"])


@pytest.mark.parametrize("kind", PACKERS)
def test_content_is_what_was_packed_and_the_stream_stays_open(kind):
    stream = io.BytesIO(PACKERS[kind](CONTENT))
    with unpacked(stream) as content:
        assert content.read() == CONTENT
    assert not stream.closed


@packed_kinds
def test_parts_one_behind_the_other_are_one_content(kind):
    pack = PACKERS[kind]
    with unpacked(io.BytesIO(pack(CONTENT) + pack(b"") + pack(CONTENT))) as content:
        assert content.read() == 2 * CONTENT


@packed_kinds
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_cut_file_is_said_behind_the_last_whole_record(tmp_path, kind, share):
    packed = PACKERS[kind](CONTENT)
    path = tmp_path / "cut"
    path.write_bytes(packed[: int(share * len(packed))])
    whole = []
    with pytest.raises(RecordError) as caught:
        whole.extend(record.header for record in read_fasta(path))
    message = str(caught.value)
    assert f"expected whole {kind} data, found: Compressed file ended before" in message
    if "in record 1" in message:
        return
    count = int(message.partition("behind record ")[2].split()[0].replace(",", ""))
    assert message.endswith(f"(P{count - 1})")


@packed_kinds
def test_damaged_file_is_said(tmp_path, kind):
    packed = bytearray(PACKERS[kind](CONTENT))
    packed[20:60] = bytes(range(40))
    path = tmp_path / "damaged"
    path.write_bytes(packed)
    with pytest.raises(RecordError, match=f"expected whole {kind} data, found: "):
        list(read_fasta(path))


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "p.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd rest")
    with pytest.raises(RecordError) as caught:
        list(read_fasta(path))
    assert str(caught.value) == (
        f"{path}: expected the package zstandard to unpack it, found none; pip install zstandard"
    )
