"""The most hydrophobic stretch of a signal peptide, from which its region borders are drawn."""

from __future__ import annotations

import numpy as np

_SCALE = {
    **{"I": 4.5, "V": 4.2, "L": 3.8, "F": 2.8, "C": 2.5, "M": 1.9, "A": 1.8, "G": -0.4},
    **{"T": -0.7, "S": -0.8, "W": -0.9, "Y": -1.3, "P": -1.6, "H": -3.2, "E": -3.5, "Q": -3.5},
    **{"D": -3.5, "N": -3.5, "K": -3.9, "R": -4.5},
    # Either of two residues: their mean. Selenocysteine as C, pyrrolysine as K, unknown neutral.
    **{"B": -3.5, "Z": -3.5, "J": 4.15, "U": 2.5, "O": -3.9, "X": 0.0},
}
_SCALE_OF_BYTE = np.array([_SCALE.get(chr(byte), 0.0) for byte in range(128)])
_WINDOW = 7


def hydrophobic_position(peptide: str) -> int:
    """Return the 0-based position just after the middle of the most hydrophobic 7 residues.

    Hydropathy is that of Kyte and Doolittle (J. Mol. Biol. 1982), summed over windows of 7
    residues; of equal windows the first counts. Three details are as in the labels of PEFT-SP, so
    that results stay comparable: the last window is never tried, the position is start + 4 although
    the middle is start + 3, and a window is summed from left to right in double precision, because
    rounding decides between windows of the same residues in another order.

    >>> hydrophobic_position("MKKLLLLLLLAAQA")
    7
    >>> hydrophobic_position("MKK")
    4

    Args:
        peptide: Residues of the signal peptide, upper case.
    """
    values = _SCALE_OF_BYTE[np.frombuffer(peptide.encode("ascii"), dtype=np.uint8)]
    starts = len(values) - _WINDOW
    if starts < 1:
        return 4
    scores = np.zeros(starts)
    for offset in range(_WINDOW):
        scores += values[offset : offset + starts]
    return int(scores.argmax()) + 4
