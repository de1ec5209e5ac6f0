"""Bootstrap intervals against the normal approximation and the stratification's promise."""

import numpy as np
from scipy import stats

from peftsp.metrics.intervals import draw_resamples, percentile_interval


def bootstrap_interval(strata, measure, resamples=1000, seed=0):
    values = [measure(drawn) for drawn in draw_resamples(strata, resamples, seed)]
    return percentile_interval(np.stack(values))


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


def test_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(11)
    strata = np.repeat([0, 1], [80, 120])
    rates = np.array([0.3, 0.6])
    truth = (80 * 0.3 + 120 * 0.6) / 200
    covered = 0
    for trial in range(400):
        flags = generator.random(200) < rates[strata]
        low, high = bootstrap_interval(
            strata,
            lambda drawn, flags=flags: flags[drawn].mean(keepdims=True),
            resamples=200,
            seed=trial,
        )
        covered += low[0] <= truth <= high[0]
    # Of 400 trials, 95 % ± 3 standard errors; the percentile interval is slightly too narrow.
    assert 0.91 < covered / 400 < 0.98


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(5).gamma(2.0, size=150)
    low, high = bootstrap_interval(
        np.zeros(150, dtype=np.int64),
        lambda drawn: values[drawn].mean(keepdims=True),
        resamples=4000,
    )
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], expected, atol=0.02)
