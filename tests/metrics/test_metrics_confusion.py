"""The picture of a confusion matrix."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from peftsp.labels import SP_TYPES
from peftsp.metrics.confusion import draw_confusion


@pytest.fixture
def blank_pictures():
    """Pictures are looked at here."""


def test_picture_shows_each_count_in_its_cell():
    counts = np.arange(36).reshape(6, 6)
    axes = Figure().add_subplot()
    image = draw_confusion(axes, counts, font_size=6)
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(j, i): str(counts[i, j]) for i in range(6) for j in range(6)}
    assert [label.get_text() for label in axes.get_yticklabels()] == list(SP_TYPES)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(SP_TYPES)
    np.testing.assert_allclose(np.asarray(image.get_array()).sum(axis=1), 1, rtol=1e-6)


def test_type_that_does_not_occur_is_drawn_empty():
    image = draw_confusion(Figure().add_subplot(), np.zeros((6, 6), int), font_size=6)
    assert (np.asarray(image.get_array()) == 0).all()
