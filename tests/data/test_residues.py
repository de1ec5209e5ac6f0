"""Which characters are residues, by their code points."""

import pytest

from peftsp.data.residues import find_foreign

LETTERS = {chr(code) for first in "Aa" for code in range(ord(first), ord(first) + 26)}


def test_just_the_letters_of_ascii_are_residues():
    found = {chr(code) for code in range(0x3000) if find_foreign(chr(code)) is None}
    assert found == LETTERS


@pytest.mark.parametrize(
    ("sequence", "index"),
    [
        ("MKLX", None),
        ("mkl", None),
        ("", None),
        ("-MKL", 0),
        ("MKL*", 3),
        ("MK L", 2),
        ("M1-K", 1),
        ("mkl-", 3),
        # These are letters, and in the other case some become ones of ASCII.
        ("MK\u017f", 2),
        ("M\u212aL", 1),
        ("MK\uff2c", 2),
        ("MKLé", 3),
        ("M\udce9", 1),
    ],
)
def test_first_character_that_is_no_residue_is_found(sequence, index):
    assert find_foreign(sequence) == index
