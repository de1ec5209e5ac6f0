import itertools

import numpy as np

from peftsp.data.legality import has_legal_path
from peftsp.labels import ALLOWED_ENDS, ALLOWED_STARTS, ALLOWED_TRANSITIONS

BLOCKS = ((0, 3), (3, 9), (9, 16), (16, 23), (23, 31), (31, 37))
"""Slices of the states of each SP type."""


def enumerated(bitmap: np.ndarray) -> bool:
    return any(
        path[0] in ALLOWED_STARTS
        and path[-1] in ALLOWED_ENDS
        and all(step in ALLOWED_TRANSITIONS for step in itertools.pairwise(path))
        for path in itertools.product(*(np.flatnonzero(row).tolist() for row in bitmap))
    )


def test_agrees_with_enumeration_of_all_paths():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, 200)
    bitmaps = np.zeros((200, 6, 37), dtype=bool)
    for bitmap, length in zip(bitmaps, lengths, strict=True):
        first, end = BLOCKS[rng.integers(len(BLOCKS))]
        bitmap[:length, first:end] = rng.random((length, end - first)) < 0.6
    expected = [enumerated(b[:length]) for b, length in zip(bitmaps, lengths, strict=True)]
    assert 20 < sum(expected) < 180
    assert has_legal_path(bitmaps, lengths).tolist() == expected


def test_rows_beyond_the_length_do_not_matter():
    bitmaps = np.zeros((1, 5, 37), dtype=bool)
    bitmaps[0, :2, 0] = True
    assert has_legal_path(bitmaps, np.array([2])).all()
    bitmaps[0, 2:] = True
    assert has_legal_path(bitmaps, np.array([2])).all()


def test_published_labels_leave_76_records_without_path(golden_bitmaps, golden_labels):
    is_legal = has_legal_path(golden_bitmaps, golden_labels["lengths"])
    types, counts = np.unique(golden_labels["global_label"][~is_legal], return_counts=True)
    assert dict(zip(types.tolist(), counts.tolist(), strict=True)) == {3: 8, 5: 68}
