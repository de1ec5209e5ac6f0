"""The calibration error against a plain loop over bins."""

import numpy as np
import pytest

from peftsp.metrics.calibration import calibration_error


def test_error_is_the_mean_gap_of_the_bins():
    generator = np.random.default_rng(0)
    confidence = generator.random(500)
    is_right = generator.random(500) < confidence**2
    times = generator.integers(0, 4, 500)
    repeated, right = np.repeat(confidence, times), np.repeat(is_right, times)
    expected = 0.0
    for low in np.arange(15) / 15:
        here = (repeated >= low) & (repeated < low + 1 / 15)
        if here.any():
            expected += here.mean() * abs(right[here].mean() - repeated[here].mean())
    assert calibration_error(confidence, is_right, times.astype(float)) == pytest.approx(expected)


def test_sure_and_right_has_no_error():
    assert calibration_error(np.ones(3), np.ones(3, dtype=bool), np.ones(3)) == 0
