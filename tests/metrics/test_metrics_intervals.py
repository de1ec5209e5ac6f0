"""Bootstrap intervals against the normal approximation and the stratification's promise."""

import numpy as np

from peftsp.metrics.intervals import bootstrap_interval


def test_interval_of_a_share_is_near_the_normal_one():
    flags = np.arange(400) < 100
    low, high = bootstrap_interval(
        np.zeros(400, dtype=np.int64), lambda drawn: flags[drawn].mean(keepdims=True)
    )
    half_width = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    np.testing.assert_allclose([low[0], high[0]], [0.25 - half_width, 0.25 + half_width], atol=0.01)


def test_strata_keep_their_sizes():
    strata = np.array([0, 1, 1, 2, 1, 2])
    low, high = bootstrap_interval(
        strata, lambda drawn: np.bincount(strata[drawn], minlength=3).astype(float), resamples=20
    )
    assert low.tolist() == high.tolist() == [1, 3, 2]


def test_measure_that_is_never_defined_has_no_interval():
    low, high = bootstrap_interval(
        np.zeros(4, dtype=np.int64), lambda drawn: np.array([np.nan, 1.0]), resamples=5
    )
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (1.0, 1.0)
