"""The vocabulary of the task: kingdoms, SP types, CRF states, allowed transitions.

Plain data without torch. The 37 states follow SignalP 6.0 (Teufel et al., Nat. Biotechnol. 2022)
and PEFT-SP (Zeng et al., Genome Research 2024): each SP type owns a block of states, and a path
never leaves its block.
"""

from __future__ import annotations

KINGDOMS = ("EUKARYA", "POSITIVE", "NEGATIVE", "ARCHAEA")
"""Organism groups, index = kingdom id. POSITIVE and NEGATIVE are Gram-stain groups of bacteria."""

UNKNOWN_KINGDOM = "UNKNOWN"
"""Kingdom of a labelled protein whose organism is not known."""

KINGDOM_LABELS = (*KINGDOMS, UNKNOWN_KINGDOM)
"""What labelled records may have as a kingdom; index = id, as that of `KINGDOMS`."""

SP_TYPES = ("NO_SP", "SP", "LIPO", "TAT", "TATLIPO", "PILIN")
"""Signal peptide types, index = type id."""

NO_SP = 0

MAX_RESIDUES = 70
"""Residues that a model looks at, counted from the N-terminus."""

_REGIONS_OF_TYPE = {
    "NO_SP": (),
    "SP": ("N", "H", "C"),
    "LIPO": ("N", "H", "CS", "C1"),
    "TAT": ("N", "RR", "H", "C"),
    "TATLIPO": ("N", "RR", "H", "CS", "C1"),
    "PILIN": ("P", "CS", "H"),
}
_TOPOLOGY = ("I", "M", "O")

STATES = tuple(
    f"{sp_type}_{region}"
    for sp_type in SP_TYPES
    for region in (*_REGIONS_OF_TYPE[sp_type], *_TOPOLOGY)
)
"""Names of the 37 CRF states, index = id: a type's regions, then inside, membrane, outside."""

STATE_INDEX = {name: index for index, name in enumerate(STATES)}

TYPE_OF_STATE = tuple(SP_TYPES.index(name.rsplit("_", 1)[0]) for name in STATES)
"""Type id of each state."""

ANNOTATION_LETTER = {
    "NO_SP": None,
    "SP": "S",
    "LIPO": "L",
    "TAT": "T",
    "TATLIPO": "T",
    "PILIN": "P",
}
"""Letter that marks the signal peptide in an annotation line; every line also uses I, M, O and
`UNKNOWN_TOPOLOGY`."""

UNKNOWN_TOPOLOGY = "U"
"""Letter of a residue outside the signal peptide that may be inside, membrane or outside."""

_LAST_SP_STATES = ("SP_C", "LIPO_CS", "TAT_C", "TATLIPO_CS", "PILIN_P")
LAST_SP_STATE_OF_TYPE = {
    SP_TYPES.index(n.rsplit("_", 1)[0]): STATE_INDEX[n] for n in _LAST_SP_STATES
}
"""Type id to the state in which the last residue before the cleavage site is."""

_AFTER_CLEAVAGE = {"I", "M", "O", "C1"}
_AFTER_PILIN_CLEAVAGE = {"CS", "H"}
SIGNAL_PEPTIDE_STATES = tuple(
    index
    for index, name in enumerate(STATES)
    if name.rsplit("_", 1)[1] not in _AFTER_CLEAVAGE
    and not (name.startswith("PILIN") and name.rsplit("_", 1)[1] in _AFTER_PILIN_CLEAVAGE)
)
"""States of residues that are cut off, over all SP types."""

N_REGION_STATES = tuple(STATE_INDEX[n] for n in ("SP_N", "LIPO_N", "TAT_N", "TATLIPO_N"))
H_REGION_STATES = tuple(STATE_INDEX[n] for n in ("SP_H", "LIPO_H", "TAT_H", "TATLIPO_H", "PILIN_H"))
C_REGION_STATES = tuple(STATE_INDEX[n] for n in ("SP_C", "TAT_C"))

RESIDUE_REGIONS = (
    *("n", "h", "c", "twin_arginine", "lipid_cysteine"),
    *("inside", "membrane", "outside"),
)
"""What a residue can be part of, whatever the SP type; index = id."""

_RESIDUE_REGION_OF = {
    **{"N": "n", "P": "n", "RR": "twin_arginine", "H": "h", "C": "c", "CS": "c"},
    **{"C1": "lipid_cysteine", "I": "inside", "M": "membrane", "O": "outside"},
}
RESIDUE_REGION_OF_STATE = tuple(
    RESIDUE_REGIONS.index(
        "outside" if name == "PILIN_CS" else _RESIDUE_REGION_OF[name.rsplit("_", 1)[1]]
    )
    for name in STATES
)
"""Index in `RESIDUE_REGIONS` of each state. A pilin's states CS lie behind the cut."""

PEPTIDE_REGIONS = (
    "other",
    *("SP_n", "SP_h", "SP_c", "LIPO_n", "LIPO_h", "LIPO_cys"),
    *("TAT_n", "TAT_rr", "TAT_h", "TAT_c", "TATLIPO_n", "TATLIPO_rr", "TATLIPO_h", "TATLIPO_cys"),
    *("PILIN_p", "PILIN_cons", "PILIN_h"),
)
"""What SignalP 6.0 plots: the regions of each type's signal peptide, and all else; index = id."""

_PEPTIDE_REGION_OF = {
    **{"N": "n", "H": "h", "C": "c", "RR": "rr", "CS": "cys", "C1": "cys", "P": "p"},
    "PILIN_CS": "cons",
}
_NAMES_OF_STATES = tuple(
    f"{name.rsplit('_', 1)[0]}_"
    f"{_PEPTIDE_REGION_OF.get(name, _PEPTIDE_REGION_OF.get(name.rsplit('_', 1)[1], ''))}"
    for name in STATES
)
PEPTIDE_REGION_OF_STATE = tuple(
    PEPTIDE_REGIONS.index(name) if name in PEPTIDE_REGIONS else 0 for name in _NAMES_OF_STATES
)
"""Index in `PEPTIDE_REGIONS` of each state."""

_REGION_STEPS = {
    "NO_SP": (("I", "M"), ("M", "O")),
    "SP": (("N", "H"), ("H", "C"), ("C", "O")),
    "LIPO": (("N", "H"), ("H", "CS"), ("CS", "C1"), ("C1", "O")),
    "TAT": (("N", "RR"), ("RR", "N"), ("N", "H"), ("H", "C"), ("C", "O")),
    "TATLIPO": (("N", "RR"), ("RR", "N"), ("N", "H"), ("H", "CS"), ("CS", "C1"), ("C1", "O")),
    "PILIN": (("P", "CS"), ("CS", "H"), ("H", "O")),
}
_TOPOLOGY_STEPS = (("O", "M"), ("M", "I"), ("I", "M"), ("M", "O"))


def _allowed_transitions() -> frozenset[tuple[int, int]]:
    steps = set()
    for sp_type in SP_TYPES:
        named = {*_REGION_STEPS[sp_type], *_TOPOLOGY_STEPS}
        regions = (*_REGIONS_OF_TYPE[sp_type], *_TOPOLOGY)
        named |= {(region, region) for region in regions if region != "C1"}
        steps |= {(STATE_INDEX[f"{sp_type}_{a}"], STATE_INDEX[f"{sp_type}_{b}"]) for a, b in named}
    return frozenset(steps)


ALLOWED_TRANSITIONS = _allowed_transitions()
"""Pairs (state, next state) that a path may take."""

ALLOWED_STARTS = frozenset(
    STATE_INDEX[name]
    for name in ("NO_SP_I", "NO_SP_O", "SP_N", "LIPO_N", "TAT_N", "TATLIPO_N", "PILIN_P")
)

ALLOWED_ENDS = frozenset(
    index for index, name in enumerate(STATES) if name.rsplit("_", 1)[1] in _TOPOLOGY
)
"""Every I, M and O state. The published table leaves out those of SP, see `PUBLISHED_ENDS`."""

RESIDUES_OF_STATE = {STATE_INDEX[name]: "C" for name in ("LIPO_C1", "TATLIPO_C1")}
"""State to the only residues that can be in it; of other states none is known to be impossible.

A lipoprotein is cut in front of the cysteine that its lipid is bound to (von Heijne, Protein
Engineering 1989).
"""

PUBLISHED_ENDS = ALLOWED_ENDS - {STATE_INDEX[f"SP_{t}"] for t in _TOPOLOGY}
"""Ends in the tables of SignalP 6.0 and PEFT-SP, under which no SP record has a legal path."""
