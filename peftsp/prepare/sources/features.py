"""UniProt's feature keys and evidence codes, in the ways that its formats write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from peftsp.prepare.entry import EVIDENCE_LEVELS, Feature

_EXPERIMENTAL = {"ECO:0000269", "ECO:0007744", "ECO:0007829", "ECO:0000314"}
_MANUAL = {"ECO:0000250", "ECO:0000255", "ECO:0000303", "ECO:0000305", "ECO:0000312"}
_CODE = re.compile(r"ECO:\d{7}")
_FEATURE = re.compile(
    r'(?:^|;\s*)([A-Z_]{4,})\s+([<>?\d]+)(?:\.\.([<>?\d]+))?((?:;\s*/\w+="(?:[^"]|"")*")*)'
)
_QUALIFIER = re.compile(r'/(\w+)="((?:[^"]|"")*)"')

KEY_OF_NAME = {
    **{"signal": "SIGNAL", "signal peptide": "SIGNAL", "signal_peptide": "SIGNAL"},
    "lipoprotein_signal_peptide": "SIGNAL",
    **{"transmembrane": "TRANSMEM", "intramembrane": "INTRAMEM", "lipidation": "LIPID"},
    **{"topological domain": "TOPO_DOM", "propeptide": "PROPEP", "modified residue": "MOD_RES"},
}
"""Long names, in lower case, to UniProt's keys."""


def evidence_level(codes: Iterable[str]) -> int:
    """Level of the surest of some evidence codes, index into `EVIDENCE_LEVELS`.

    >>> evidence_level(["ECO:0000255", "ECO:0000269"]), evidence_level([])
    (2, 0)
    """
    found = set(codes)
    level = "experimental" if found & _EXPERIMENTAL else "manual" if found & _MANUAL else "any"
    return EVIDENCE_LEVELS.index(level)


def position(text: str) -> int | None:
    """A position, None where it is not known for sure.

    >>> position("22"), position("?22"), position("<1")
    (22, None, None)
    """
    return int(text) if text.isdecimal() else None


def features_of_text(text: str) -> Iterator[Feature]:
    """Features as a cell of a UniProt table has them.

    >>> [f.end for f in features_of_text('SIGNAL 1..22; /evidence="ECO:0000269|PubMed:1"')]
    [22]
    """
    for kind, start, end, rest in _FEATURE.findall(text):
        said = dict(_QUALIFIER.findall(rest))
        codes = _CODE.findall(said.get("evidence", ""))
        places = position(start), position(end or start)
        yield Feature(kind, *places, said.get("note", ""), evidence_level(codes))


def codes_in(text: str) -> list[str]:
    """Evidence codes that a text names."""
    return _CODE.findall(text)
