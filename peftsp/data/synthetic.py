"""Made-up proteins with the sequence features of each SP type, for tests and first steps.

They need no download, and a small model learns them in minutes. They carry what textbooks say of
signal peptides and nothing more: results on them say nothing about real proteins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from peftsp.errors import ConfigError
from peftsp.labels import ANNOTATION_LETTER, KINGDOMS, MAX_RESIDUES, SP_TYPES
from peftsp.records import LabelledRecord

_PARTITIONS = (0, 1, 2)
_EUKARYOTIC_TYPES = ("NO_SP", "SP")
_CELLS = tuple(
    (kingdom, sp_type)
    for kingdom, sp_type in product(KINGDOMS, SP_TYPES)
    if kingdom != "EUKARYA" or sp_type in _EUKARYOTIC_TYPES
)
FEWEST = len(_CELLS) * len(_PARTITIONS)
"""Of each kingdom, SP type and partition one."""
_SHORTEST = 45
_SHORT_SHARE = 0.1
_MEMBRANE_SHARE = 0.5

# Residues to draw from; a letter that stands twice is twice as likely.
_INSIDE = "AAVLIGSSTTDDEEEKKKRRNQQPHYFWM"
_OUTSIDE = "AAVLGGSSSTTTDDEENNQQPPKYFWI"
_NEUTRAL_START = "NSTQAI"
_POSITIVE = "KR"
_CORE = "LLLLLAAAVVVIIFG"
_TAT_CORE = "LLLAAAAGGGVVSTI"
_MEMBRANE = "LLLLIIIVVVAAFFGMW"
_POLAR = "SGTNPQ"

_Part = tuple[str, str]
"""Residues and their annotation letter."""


@dataclass(frozen=True, slots=True)
class SyntheticProteins:
    """A source of made-up proteins of all kingdoms and SP types in three partitions.

    Eukaryotes have the types NO_SP and SP, all others all six. The cells of kingdom, SP type and
    partition are equally large, give or take one. A tenth of the proteins are shorter than 70.

    Attributes:
        count: Number of proteins, at least one a cell: 60.
        seed: Seed of every random choice.
    """

    count: int
    seed: int

    def load(self) -> list[LabelledRecord]:
        """Return the proteins; the same ones for the same count and seed.

        Raises:
            ConfigError: The count leaves a cell without proteins, or the seed is negative.
        """
        if self.count < FEWEST:
            raise ConfigError(f"synthetic proteins: expected {FEWEST} or more, found {self.count}")
        if self.seed < 0:
            raise ConfigError(f"data.proteins_seed: expected 0 or more, found {self.seed}")
        rng = np.random.default_rng(self.seed)
        records = []
        for index in range(self.count):
            kingdom, sp_type = _CELLS[index % len(_CELLS)]
            partition = _PARTITIONS[index // len(_CELLS) % len(_PARTITIONS)]
            residues, annotation = _protein(rng, sp_type)
            accession = f"SYN{index:05d}"
            records.append(
                LabelledRecord(accession, kingdom, sp_type, partition, residues, annotation)
            )
        return records


def _protein(rng: np.random.Generator, sp_type: str) -> tuple[str, str]:
    letter = ANNOTATION_LETTER[sp_type]
    if letter is None:
        parts = _membrane(rng) if rng.random() < _MEMBRANE_SHARE else [("M", "I")]
    else:
        parts = [("M" + _SIGNAL_PEPTIDES[sp_type](rng), letter), *_MATURE_STARTS[sp_type](rng)]
    last = parts[-1][1]
    parts.append((_draw(rng, _INSIDE if last == "I" else _OUTSIDE, MAX_RESIDUES), last))
    is_short = rng.random() < _SHORT_SHARE
    length = int(rng.integers(_SHORTEST, MAX_RESIDUES)) if is_short else MAX_RESIDUES
    residues = "".join(residues for residues, _ in parts)[:length]
    annotation = "".join(letter * len(residues) for residues, letter in parts)[:length]
    return residues, annotation


def _draw(rng: np.random.Generator, letters: str, fewest: int, most: int | None = None) -> str:
    count = fewest if most is None else int(rng.integers(fewest, most + 1))
    return "".join(rng.choice(list(letters), count))


def _membrane(rng: np.random.Generator) -> list[_Part]:
    """Loops inside (more positive charge) and outside in turn, with membrane helices between."""
    side = str(rng.choice(["I", "O"]))
    parts = [("M" + _draw(rng, _INSIDE if side == "I" else _OUTSIDE, 8, 20), side)]
    for _ in range(int(rng.integers(1, 3))):
        side = "O" if side == "I" else "I"
        parts.append((_draw(rng, _MEMBRANE, 18, 22), "M"))
        parts.append((_draw(rng, _INSIDE if side == "I" else _OUTSIDE, 4, 9), side))
    return parts


def _n_region(rng: np.random.Generator) -> str:
    return _draw(rng, _NEUTRAL_START, 0, 3) + _draw(rng, _POSITIVE, 1, 3)


def _tat_motif(rng: np.random.Generator) -> str:
    # The twin arginine consensus is S-R-R-x-F-L-K.
    neutral = _draw(rng, _NEUTRAL_START, 2, 8)
    return neutral + "SRR" + _draw(rng, "DQESN", 1) + "F" + _draw(rng, "LI", 1) + "K"


def _c_region(rng: np.random.Generator) -> str:
    # Signal peptidase I wants small residues 3 before and just before the cut: A-x-A.
    return _draw(rng, _POLAR, 1, 3) + "A" + _draw(rng, "SQLEN", 1) + "A"


def _lipobox(rng: np.random.Generator) -> str:
    # Signal peptidase II cuts L-[AS]-[GA] before C.
    return "L" + _draw(rng, "AS", 1) + _draw(rng, "GA", 1)


def _sp(rng: np.random.Generator) -> str:
    return _n_region(rng) + _draw(rng, _CORE, 9, 13) + _c_region(rng)


def _lipo(rng: np.random.Generator) -> str:
    return _n_region(rng) + _draw(rng, _CORE, 8, 12) + _lipobox(rng)


def _tat(rng: np.random.Generator) -> str:
    return _tat_motif(rng) + _draw(rng, _TAT_CORE, 12, 16) + _c_region(rng)


def _tatlipo(rng: np.random.Generator) -> str:
    return _tat_motif(rng) + _draw(rng, _TAT_CORE, 9, 13) + _lipobox(rng)


def _pilin(rng: np.random.Generator) -> str:
    return _draw(rng, _NEUTRAL_START, 1, 5) + _draw(rng, _POSITIVE, 1, 3) + "G"


def _soluble(rng: np.random.Generator) -> list[_Part]:
    return [(_draw(rng, _OUTSIDE, 2), "O")]


def _lipidated(rng: np.random.Generator) -> list[_Part]:
    return [("C" + _draw(rng, "SGNAQ", 2), "O")]


def _pilus_subunit(rng: np.random.Generator) -> list[_Part]:
    # The cut is before F; T-L-I-E-L then begins the helix that builds the pilus.
    helix = _draw(rng, "TS", 1) + "LIEL" + _draw(rng, _MEMBRANE, 14, 17)
    return [("F", "O"), (helix, "M"), (_draw(rng, _OUTSIDE, 2), "O")]


_SIGNAL_PEPTIDES: dict[str, Callable[[np.random.Generator], str]] = {
    "SP": _sp,
    "LIPO": _lipo,
    "TAT": _tat,
    "TATLIPO": _tatlipo,
    "PILIN": _pilin,
}
"""SP type to its signal peptide after the first methionine."""

_MATURE_STARTS: dict[str, Callable[[np.random.Generator], list[_Part]]] = {
    "SP": _soluble,
    "LIPO": _lipidated,
    "TAT": _soluble,
    "TATLIPO": _lipidated,
    "PILIN": _pilus_subunit,
}
"""SP type to what follows the cut."""
