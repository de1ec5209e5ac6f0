"""Tokens have the ids that the published weights were trained with."""

import pytest

from peftsp import alphabet


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("esm").data.Alphabet.from_architecture("ESM-1b")


def test_alphabet_is_that_of_fair_esm(theirs):
    assert list(alphabet.ALPHABET) == theirs.all_toks


def test_special_tokens_are_those_of_fair_esm(theirs):
    assert theirs.cls_idx == alphabet.CLS_TOKEN
    assert theirs.padding_idx == alphabet.PAD_TOKEN
    assert theirs.eos_idx == alphabet.EOS_TOKEN
    assert theirs.unk_idx == alphabet.UNKNOWN_TOKEN
    assert theirs.mask_idx == alphabet.MASK_TOKEN


def test_standard_residues_are_the_twenty_amino_acids(theirs):
    expected = {theirs.get_idx(letter) for letter in "ACDEFGHIKLMNPQRSTVWY"}
    assert set(alphabet.STANDARD_RESIDUE_TOKENS) == expected
    assert len(alphabet.STANDARD_RESIDUE_TOKENS) == 20
