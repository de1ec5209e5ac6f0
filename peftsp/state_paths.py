"""What a path of states runs through: regions and motifs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from peftsp.labels import RESIDUE_REGION_OF_STATE, RESIDUE_REGIONS
from peftsp.records import Region

PART_OF_STATE = tuple(RESIDUE_REGIONS[part] for part in RESIDUE_REGION_OF_STATE)
"""Name in `peftsp.labels.RESIDUE_REGIONS` of each state."""

REGION_OF_PART = {"n": "n", "twin_arginine": "n", "h": "h", "c": "c"}
"""Region of a signal peptide that a part of it counts to."""

_MOTIFS = ("twin_arginine", "lipid_cysteine")


def path_regions(path: list[int]) -> tuple[Region, ...]:
    """The regions that a path runs through, from the N-terminus on.

    The twin-arginine motif counts to the n-region, a lipobox before the cut to the c-region. A
    pilin is cut after its n-region; its h-region lies behind the cut.

    Args:
        path: State indices of the real residues.

    >>> [region.end for region in path_regions([3, 3, 4, 4, 4, 5, 8, 8])]
    [2, 5, 6]
    """
    return _stretches(REGION_OF_PART.get(PART_OF_STATE[state]) for state in path)


def path_motifs(path: list[int]) -> tuple[Region, ...]:
    """The motifs that a path runs through, from the N-terminus on.

    Args:
        path: State indices of the real residues.

    >>> from peftsp.labels import STATES
    >>> path_motifs([STATES.index(f"TAT_{name}") for name in ("N", "RR", "RR", "N", "H")])
    (Region(name='twin_arginine', start=2, end=3),)
    """
    parts = (PART_OF_STATE[state] for state in path)
    return _stretches(part if part in _MOTIFS else None for part in parts)


def _stretches(names: Iterable[str | None]) -> tuple[Region, ...]:
    stretches = []
    start = 1
    for name, run in groupby(names):
        length = len(list(run))
        if name is not None:
            stretches.append(Region(name, start, start + length - 1))
        start += length
    return tuple(stretches)
