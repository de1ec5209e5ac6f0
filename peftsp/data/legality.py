"""Whether a path of CRF states can satisfy a label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peftsp.labels import ALLOWED_ENDS, ALLOWED_STARTS, ALLOWED_TRANSITIONS, STATES

_STATES = range(len(STATES))
_STARTS = np.array([state in ALLOWED_STARTS for state in _STATES])
_ENDS = np.array([state in ALLOWED_ENDS for state in _STATES])
_STEPS = np.array([[(a, b) in ALLOWED_TRANSITIONS for b in _STATES] for a in _STATES], np.float32)


def has_legal_path(bitmaps: NDArray[np.bool_], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each sequence whether some allowed path stays within its bitmap.

    A path starts, steps and ends as `peftsp.labels` allows.

    >>> bitmaps = np.zeros((2, 3, 37), dtype=bool)
    >>> bitmaps[0, :, 0] = True  # NO_SP_I all along
    >>> bitmaps[1, :, 3] = True  # SP_N cannot be the end
    >>> has_legal_path(bitmaps, np.array([3, 3]))
    array([ True, False])

    Args:
        bitmaps: bool, ``(N, L, C)``; True where a residue may be in a state. Rows beyond the
            length do not matter.
        lengths: int64, ``(N,)``; residues of each sequence, at least 1.

    Returns:
        bool, ``(N,)``.
    """
    is_legal = np.zeros(len(bitmaps), dtype=bool)
    reached = bitmaps[:, 0] & _STARTS
    for position in range(bitmaps.shape[1]):
        if position > 0:
            reached = (reached.astype(np.float32) @ _STEPS > 0) & bitmaps[:, position]
        is_last = lengths == position + 1
        is_legal[is_last] = reached[is_last][:, _ENDS].any(axis=1)
    return is_legal
