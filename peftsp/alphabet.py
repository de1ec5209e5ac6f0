"""The tokens of ESM-1b and ESM-2."""

from __future__ import annotations

ALPHABET = (
    *("<cls>", "<pad>", "<eos>", "<unk>"),
    *"LAGVSERTIDPKQNFYMHWCXBUZO.-",
    *("<null_1>", "<mask>"),
)
"""The 33 tokens, index = token id."""

CLS_TOKEN = ALPHABET.index("<cls>")
PAD_TOKEN = ALPHABET.index("<pad>")
EOS_TOKEN = ALPHABET.index("<eos>")
UNKNOWN_TOKEN = ALPHABET.index("<unk>")
MASK_TOKEN = ALPHABET.index("<mask>")

STANDARD_RESIDUE_TOKENS = range(ALPHABET.index("L"), ALPHABET.index("C") + 1)
"""Ids of the 20 standard residues."""
