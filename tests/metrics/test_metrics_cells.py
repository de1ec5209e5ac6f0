"""Measures from counts against scikit-learn, and against the functions that take every protein."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.metrics.cells import WINDOWS, CellCounter, Outcomes, group_means, mean_over

samples = st.lists(
    st.tuples(
        st.integers(0, 5),  # true type
        st.integers(0, 5),  # predicted type
        st.sampled_from([-1, 20, 21, 22, 25]),  # true site
        st.sampled_from([-1, 19, 20, 22, 23, 40]),  # predicted site
    ),
    min_size=1,
    max_size=40,
)

CELLS = [(k, t) for k in range(len(KINGDOMS)) for t in range(1, len(SP_TYPES))]


@pytest.fixture
def columns(random_columns):
    true_types, predicted_types, true_sites, predicted_sites, kingdoms = random_columns
    is_cut = predicted_types > 0
    predicted_sites = torch.where(is_cut & (predicted_sites < 1), 22, predicted_sites)
    columns = true_types, predicted_types, true_sites, predicted_sites, kingdoms
    return tuple(column.numpy() for column in columns)


@pytest.fixture
def outcomes(columns):
    true_types, predicted_types, true_sites, predicted_sites, kingdoms = columns
    n = len(kingdoms)
    return Outcomes(
        protein=np.arange(n),
        model=np.zeros(n, dtype=np.int64),
        kingdom=kingdoms,
        true_type=true_types,
        predicted_type=predicted_types,
        true_site=true_sites,
        predicted_site=predicted_sites,
        proteins=n,
        models=1,
    )


@pytest.fixture
def times():
    """How often each of 300 proteins is in a resample."""
    return np.bincount(np.random.default_rng(3).integers(0, 300, 300), minlength=300)


@pytest.mark.parametrize("is_resampled", [False, True])
def test_mcc_is_that_of_scikit_learn(outcomes, columns, times, is_resampled):
    counts = CellCounter(outcomes)(times if is_resampled else None)
    rows = np.repeat(np.arange(300), times) if is_resampled else np.arange(300)
    true, predicted, _, _, kingdoms = (column[rows] for column in columns)
    for kingdom, sp_type in CELLS:
        here = kingdoms == kingdom
        kept = here & ((true == sp_type) | (true == 0))
        for found, chosen in ((counts.mcc2(), here), (counts.mcc1(), kept)):
            expected = matthews_corrcoef(true[chosen] == sp_type, predicted[chosen] == sp_type)
            assert found[0, kingdom, sp_type] == pytest.approx(expected, abs=1e-12)


def ratios(rows, sp_type, window):
    """Precision and recall, counted row by row."""
    n_true = n_predicted = n_found = 0
    for true_type, predicted_type, true_site, predicted_site in rows:
        is_true = true_type == sp_type and true_site != -1
        is_predicted = predicted_type in (0, sp_type) and predicted_site != -1
        n_true += is_true
        n_predicted += is_predicted
        n_found += is_true and is_predicted and abs(true_site - predicted_site) <= window
    return [n_found / whole if whole else math.nan for whole in (n_predicted, n_true)]


@pytest.mark.parametrize("window", WINDOWS)
def test_sites_are_those_that_a_count_row_by_row_finds(outcomes, columns, times, window):
    counts = CellCounter(outcomes)(times)
    rows = np.repeat(np.arange(300), times)
    *others, kingdoms = (column[rows] for column in columns)
    for kingdom, sp_type in CELLS:
        here = zip(*(column[kingdoms == kingdom].tolist() for column in others), strict=True)
        found = [
            measure(window)[0, kingdom, sp_type] for measure in (counts.precision, counts.recall)
        ]
        assert found == pytest.approx(ratios(here, sp_type, window), nan_ok=True)


@settings(deadline=None)
@given(samples, st.integers(1, 5), st.sampled_from(WINDOWS))
def test_sites_of_any_rows_are_counted_right(rows, sp_type, window):
    true, predicted, true_site, predicted_site = np.array(rows).T
    zeros = np.zeros(len(rows), dtype=np.int64)
    counts = CellCounter(
        Outcomes(
            *(np.arange(len(rows)), zeros, zeros, true, predicted, true_site, predicted_site),
            *(len(rows), 1),
        )
    )()
    found = [counts.precision(window)[0, 0, sp_type], counts.recall(window)[0, 0, sp_type]]
    assert found == pytest.approx(ratios(rows, sp_type, window), nan_ok=True)


def test_type_without_proteins_is_not_defined_and_unpredicted_one_has_mcc_0():
    zeros = np.zeros(4, dtype=np.int64)
    outcomes = Outcomes(
        *(np.arange(4), zeros, zeros, np.array([0, 0, 1, 1]), zeros),
        *(np.array([-1, -1, 22, 22]), zeros - 1, 4, 1),
    )
    counts = CellCounter(outcomes)()
    assert counts.mcc2()[0, 0, 1] == 0
    assert math.isnan(counts.mcc2()[0, 0, 2])
    assert math.isnan(counts.precision(0)[0, 0, 1])
    assert counts.recall(0)[0, 0, 1] == 0


def test_pooled_counts_are_those_of_one_model_with_all_rows(outcomes):
    whole = CellCounter(outcomes)()
    halves = Outcomes(
        outcomes.protein,
        np.arange(300) % 2,
        *(getattr(outcomes, n) for n in ("kingdom", "true_type", "predicted_type")),
        *(getattr(outcomes, n) for n in ("true_site", "predicted_site")),
        300,
        2,
    )
    split = CellCounter(halves)()
    assert np.array_equal(split.pooled().values, whole.values)
    assert split.values.shape[0] == 2


def test_seeds_of_a_fold_count_as_one_fold():
    values = np.array([[0.0], [1.0], [0.8], [np.nan]])
    folds = np.array([0, 0, 2, 5])
    assert group_means(values, folds)[:2].tolist() == [[0.5], [0.8]]
    assert mean_over(values, folds).tolist() == [pytest.approx(0.65)]
