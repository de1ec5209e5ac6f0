import numpy as np
import pytest

from peftsp.data.tokens import tokenize


def test_agrees_with_recorded_tokens(shared):
    with np.load(shared / "golden" / "labels" / "selected.npz") as golden:
        for sequence, tokens, mask in zip(
            golden["sequence"], golden["token_ids"], golden["input_mask"], strict=True
        ):
            assert tokenize(str(sequence)) == tokens[mask.astype(bool)].tolist()


def test_agrees_with_fair_esm():
    esm = pytest.importorskip("esm")
    alphabet = esm.data.Alphabet.from_architecture("ESM-1b")
    residues = "MKLACDEFGHIKLMNPQRSTVWYXBUZO"
    assert tokenize(residues) == [
        alphabet.cls_idx,
        *map(alphabet.get_idx, residues),
        alphabet.eos_idx,
    ]


def test_j_is_read_as_x():
    assert tokenize("J") == tokenize("X") == [0, 24, 2]


def test_residues_after_the_70th_are_left_out():
    assert tokenize("M" * 70 + "K" * 30) == [0, *[20] * 70, 2]
