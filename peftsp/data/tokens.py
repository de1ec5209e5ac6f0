"""Residues to the tokens of ESM-1b and ESM-2."""

from __future__ import annotations

from peftsp.alphabet import ALPHABET, CLS_TOKEN, EOS_TOKEN, UNKNOWN_TOKEN
from peftsp.labels import MAX_RESIDUES

TOKEN_OF_RESIDUE = {token: index for index, token in enumerate(ALPHABET) if token.isalpha()}
# The alphabet has no J, leucine or isoleucine; X is its token for a residue that is not known.
TOKEN_OF_RESIDUE["J"] = TOKEN_OF_RESIDUE["X"]
_TOKEN_OF_BYTE = bytes(TOKEN_OF_RESIDUE.get(chr(byte), UNKNOWN_TOKEN) for byte in range(256))


def tokenize(residues: str) -> list[int]:
    """Return the token ids of the first 70 residues between ``<cls>`` and ``<eos>``.

    >>> tokenize("MKL")
    [0, 20, 15, 4, 2]

    Args:
        residues: Upper-case letters A to Z; J becomes X.
    """
    tokens = residues[:MAX_RESIDUES].encode("ascii").translate(_TOKEN_OF_BYTE)
    return [CLS_TOKEN, *tokens, EOS_TOKEN]
