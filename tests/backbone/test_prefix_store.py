"""Hidden states come back from disk as they went there, and nothing else is taken for them."""

from dataclasses import replace

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.prefix_store import PrefixStore
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import PrefixStoreError

LENGTHS = (4, 9, 6)
SEQUENCES = [torch.arange(n, dtype=torch.uint8) + n for n in LENGTHS]


def make_encoder(seed=0, dtype="float32", **sizes):
    sizes = {"layers": 3, "width": 16, "heads": 2, **sizes}
    return load_backbone(BackboneSpec("small", **sizes), "random", seed=seed, dtype=dtype)


@pytest.fixture
def store(tmp_path):
    return PrefixStore(tmp_path, make_encoder(), 2)


def make_states(scale=1.0):
    generator = torch.Generator().manual_seed(0)
    return [scale * torch.randn(n, 16, generator=generator) for n in LENGTHS]


def pad(sequences, length):
    tokens = torch.ones(len(sequences), length, dtype=torch.int64)
    mask = torch.zeros(len(sequences), length, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        tokens[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = True
    return tokens, mask


def test_states_come_back_in_any_batch(store):
    states = make_states()
    store.write(SEQUENCES[:2], states[:2])
    store.write(SEQUENCES[2:], states[2:])
    assert store.read() == []
    found = store.look_up(*pad([SEQUENCES[2], SEQUENCES[0], SEQUENCES[2]], 11))
    assert found.shape == (3, 11, 16)
    for row, index in enumerate((2, 0, 2)):
        length = LENGTHS[index]
        torch.testing.assert_close(found[row, :length], states[index], rtol=5e-4, atol=1e-6)
        assert not found[row, length:].any()


def test_shards_are_half_precision_where_that_holds_the_values(store):
    store.write(SEQUENCES, make_states())
    small = store.size
    assert small < 1000 + store.size_of(SEQUENCES)
    states = make_states(scale=1e6)
    store.write(SEQUENCES, states)
    assert store.size == pytest.approx(small + store.size_of(SEQUENCES), abs=100)
    store.read()
    torch.testing.assert_close(store.look_up(*pad(SEQUENCES[1:2], 9))[0], states[1])


def test_missing_are_those_not_read_each_once_and_the_shortest_first(store):
    twice = [*SEQUENCES, *SEQUENCES]
    assert list(map(len, store.missing(twice))) == [4, 6, 9]
    store.write(SEQUENCES[2:], make_states()[2:])
    store.read()
    assert list(map(len, store.missing(twice))) == [4, 9]


def test_sequence_that_is_not_there_is_an_error(store):
    store.write(SEQUENCES[:2], make_states()[:2])
    store.read()
    with pytest.raises(PrefixStoreError, match="found none of one of 6 tokens"):
        store.look_up(*pad(SEQUENCES, 9))


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_torn_shard_is_named_and_its_sequences_are_missing(store, kept):
    store.write(SEQUENCES[:1], make_states()[:1])
    [path] = store.folder.iterdir()
    store.write(SEQUENCES[1:], make_states()[1:])
    path.write_bytes(path.read_bytes()[:kept])
    [line] = store.read()
    assert line.startswith(f"{path}: expected a whole shard")
    assert store.missing(SEQUENCES) == SEQUENCES[:1]
    store.write(SEQUENCES[:1], make_states()[:1])
    assert store.read() == []
    assert store.missing(SEQUENCES) == []


def test_shard_of_another_backbone_is_named_and_passed_over(store, tmp_path):
    other = PrefixStore(tmp_path, make_encoder(seed=1), 2)
    other.write(SEQUENCES, make_states())
    [path] = other.folder.iterdir()
    store.folder.mkdir()
    path.rename(store.folder / path.name)
    [line] = store.read()
    assert "expected a shard of this store" in line
    assert len(store.missing(SEQUENCES)) == 3


def test_file_of_something_else_is_named_and_passed_over(store):
    store.write(SEQUENCES, make_states())
    (store.folder / "notes.safetensors").write_text("no shard at all, but longer than a header")
    [line] = store.read()
    assert line.startswith(f"{store.folder / 'notes.safetensors'}: ")
    assert store.missing(SEQUENCES) == []


def test_what_a_killed_process_was_writing_is_no_shard_and_goes(store):
    store.folder.mkdir(parents=True)
    partial = store.folder / "0123.partial"
    partial.write_text("half a shard")
    assert store.read() == []
    store.write(SEQUENCES, make_states())
    assert not partial.exists()


def test_whatever_changes_the_states_changes_the_folder(tmp_path):
    quantized = make_encoder()
    quantized.source = replace(quantized.source, quantization="nf4")
    encoders = [
        make_encoder(),
        make_encoder(seed=1),
        make_encoder(heads=4),
        make_encoder(half_rotary=True),
        make_encoder(dtype="bfloat16"),
        quantized,
    ]
    folders = {PrefixStore(tmp_path, encoder, 2).folder for encoder in encoders}
    folders.add(PrefixStore(tmp_path, make_encoder(), 1).folder)
    assert len(folders) == 7
    assert PrefixStore(tmp_path, make_encoder(), 2).folder in folders
