"""Residues to the tokens of ESM-1b and ESM-2."""

from __future__ import annotations

from peftsp.labels import MAX_RESIDUES

ESM_ALPHABET = (
    *("<cls>", "<pad>", "<eos>", "<unk>"),
    *"LAGVSERTIDPKQNFYMHWCXBUZO.-",
    *("<null_1>", "<mask>"),
)
"""The 33 tokens, index = token id."""

CLS_TOKEN = ESM_ALPHABET.index("<cls>")
PAD_TOKEN = ESM_ALPHABET.index("<pad>")
EOS_TOKEN = ESM_ALPHABET.index("<eos>")

_UNKNOWN_TOKEN = ESM_ALPHABET.index("<unk>")
_TOKEN_OF_RESIDUE = {token: index for index, token in enumerate(ESM_ALPHABET) if token.isalpha()}
# The alphabet has no J, leucine or isoleucine; X is its token for a residue that is not known.
_TOKEN_OF_RESIDUE["J"] = _TOKEN_OF_RESIDUE["X"]
_TOKEN_OF_BYTE = bytes(_TOKEN_OF_RESIDUE.get(chr(byte), _UNKNOWN_TOKEN) for byte in range(256))


def tokenize(residues: str) -> list[int]:
    """Return the token ids of the first 70 residues between ``<cls>`` and ``<eos>``.

    >>> tokenize("MKL")
    [0, 20, 15, 4, 2]

    Args:
        residues: Upper-case letters A to Z; J becomes X.
    """
    tokens = residues[:MAX_RESIDUES].encode("ascii").translate(_TOKEN_OF_BYTE)
    return [CLS_TOKEN, *tokens, EOS_TOKEN]
