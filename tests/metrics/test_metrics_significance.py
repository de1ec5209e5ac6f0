"""Holm's adjustment by hand, and the permutation test against scipy and against chance."""

import numpy as np
import pytest
from scipy import stats

from peftsp.metrics.significance import draw_swaps, holm, permutation_p


def test_holm_by_hand():
    """0.005 × 4 = 0.02; 0.011 × 3 = 0.033; 0.02 × 2 = 0.04; 0.04 × 1, no less than 0.04."""
    p_values = np.array([0.02, 0.005, 0.04, 0.011])
    assert holm(p_values) == pytest.approx([0.04, 0.02, 0.04, 0.033])


def test_holm_never_orders_the_other_way_and_never_exceeds_1():
    """0.03 × 3 = 0.09 holds for 0.04 × 2 = 0.08, too; 0.6 × 1 = 0.6; 0.9 alone stays."""
    assert holm(np.array([0.04, 0.03, 0.6])) == pytest.approx([0.09, 0.09, 0.6])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def test_holm_leaves_out_what_was_not_tested():
    adjusted = holm(np.array([np.nan, 0.01, 0.5]))
    assert np.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.02, 0.5])


def permuted_means(first, second, resamples, seed):
    """Differences of means with sides swapped."""
    swaps = np.stack(list(draw_swaps(len(first), resamples, seed)))
    return np.where(swaps, second - first, first - second).mean(axis=1)[:, None]


def test_p_value_is_near_that_of_scipy():
    generator = np.random.default_rng(1)
    first = generator.normal(0.3, 1, 40)
    second = generator.normal(0.0, 1, 40)
    observed = np.array([first.mean() - second.mean()])
    found = permutation_p(observed, permuted_means(first, second, 20_000, seed=2))
    expected = stats.permutation_test(
        (first, second),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=3,
    ).pvalue
    assert found[0] == pytest.approx(expected, abs=0.015)


def test_p_values_of_equals_are_uniform():
    generator = np.random.default_rng(7)
    p_values = []
    for trial in range(300):
        first, second = generator.normal(size=(2, 30))
        observed = np.array([first.mean() - second.mean()])
        p_values.append(permutation_p(observed, permuted_means(first, second, 99, trial))[0])
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_undefined_difference_has_no_p_value():
    assert np.isnan(permutation_p(np.array([np.nan]), np.zeros((9, 1))))
