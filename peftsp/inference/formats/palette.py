"""Colours and titles of regions and SP types, the same in every picture.

The colours of what belongs to a signal peptide are those of Okabe and Ito (Color Universal Design,
2008), which people with any colour vision tell apart; the topology is in tones of grey.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ink:
    """How a region is drawn.

    Attributes:
        title: What a legend calls it.
        colour: As ``#rrggbb``.
        dashes: Lengths of dash and gap in line widths; empty for a solid line.
    """

    title: str
    colour: str
    dashes: tuple[float, ...] = ()


INKS = {
    "n": Ink("n-region", "#e69f00"),
    "h": Ink("h-region", "#0072b2"),
    "c": Ink("c-region", "#009e73"),
    "twin_arginine": Ink("twin arginine", "#cc79a7"),
    "lipid_cysteine": Ink("lipid cysteine", "#d55e00"),
    "inside": Ink("inside", "#8c8c8c", (1, 1.5)),
    "membrane": Ink("membrane", "#6e6e6e", (4, 2)),
    "outside": Ink("outside", "#a6a6a6"),
}
"""Ink of each of `peftsp.labels.RESIDUE_REGIONS`."""

TYPE_TITLES = {
    "NO_SP": "no signal peptide",
    "SP": "Sec/SPI",
    "LIPO": "Sec/SPII, lipoprotein",
    "TAT": "Tat/SPI",
    "TATLIPO": "Tat/SPII, lipoprotein",
    "PILIN": "Sec/SPIII, pilin",
}
"""Pathway and peptidase of each of `peftsp.labels.SP_TYPES`."""
