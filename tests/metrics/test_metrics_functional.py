import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from peftsp.labels import STATES
from peftsp.metrics.functional import (
    binary_mcc,
    cleavage_site_precision_recall,
    cleavage_sites,
    detection_mcc1,
    detection_mcc2,
    multiclass_mcc,
)

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


def oracle(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return matthews_corrcoef(true, predicted)


def tensors(rows):
    return torch.tensor(rows).unbind(1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=30))
def test_multiclass_mcc_equals_scikit_learn(rows):
    true, predicted = tensors(rows)
    assert multiclass_mcc(true, predicted) == pytest.approx(oracle(true, predicted), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_binary_mcc_equals_scikit_learn(rows):
    true, predicted = tensors(rows)
    assert binary_mcc(true, predicted) == pytest.approx(oracle(true, predicted), abs=1e-12)


@pytest.mark.parametrize(
    ("true", "predicted"), [([1, 1], [0, 1]), ([0, 1], [1, 1]), ([2, 2], [2, 2]), ([], [])]
)
def test_mcc_is_zero_where_it_is_not_defined(true, predicted):
    assert multiclass_mcc(torch.tensor(true).long(), torch.tensor(predicted).long()) == 0.0


def test_mcc_of_many_samples_does_not_overflow():
    true = torch.arange(200_000) % 2
    predicted = true.clone()
    predicted[:20_000] = 0
    # The fourth power of the sample count is beyond 64 bits.
    assert multiclass_mcc(true, predicted) == pytest.approx(0.9045340337332909, abs=1e-12)
    assert oracle(true, predicted) == pytest.approx(0.9045340337332909, abs=1e-9)


@settings(deadline=None)
@given(samples, st.integers(1, 5))
def test_detection_mcc_equals_scikit_learn(rows, sp_type):
    true, predicted, *_ = tensors(rows)
    everything = oracle(true == sp_type, predicted == sp_type)
    assert detection_mcc2(true, predicted, sp_type) == pytest.approx(everything, abs=1e-12)
    pairs = [(t == sp_type, p == sp_type) for t, p, *_ in rows if t in (0, sp_type)]
    kept = oracle(*zip(*pairs, strict=True)) if pairs else 0.0
    assert detection_mcc1(true, predicted, sp_type) == pytest.approx(kept, abs=1e-12)


@settings(deadline=None)
@given(samples, st.integers(1, 5), st.integers(0, 3), st.booleans())
def test_precision_and_recall_equal_a_count_row_by_row(rows, sp_type, window, count_no_sp_sites):
    counted_types = (0, sp_type) if count_no_sp_sites else (sp_type,)
    n_true = n_predicted = n_found = 0
    for true_type, predicted_type, true_site, predicted_site in rows:
        is_true = true_type == sp_type and true_site != -1
        is_predicted = predicted_type in counted_types and predicted_site != -1
        n_true += is_true
        n_predicted += is_predicted
        n_found += is_true and is_predicted and abs(true_site - predicted_site) <= window
    precision, recall = cleavage_site_precision_recall(
        *tensors(rows), sp_type, window=window, count_no_sp_sites=count_no_sp_sites
    )
    assert precision == pytest.approx(
        n_found / n_predicted if n_predicted else math.nan, nan_ok=True
    )
    assert recall == pytest.approx(n_found / n_true if n_true else math.nan, nan_ok=True)


def test_sites_of_sequences_predicted_without_signal_peptide_count_by_default():
    true_types, predicted_types = torch.tensor([1, 1]), torch.tensor([1, 0])
    sites = torch.tensor([22, 25])
    columns = (true_types, predicted_types, sites, sites, 1)
    assert cleavage_site_precision_recall(*columns, window=0) == (1.0, 1.0)
    strict = cleavage_site_precision_recall(*columns, window=0, count_no_sp_sites=False)
    assert strict == (1.0, 0.5)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 36), max_size=12), min_size=1, max_size=5))
def test_cleavage_sites_equal_a_walk_along_the_path(paths):
    final = {STATES.index(name) for name in ("SP_C", "LIPO_CS", "TAT_C", "TATLIPO_CS", "PILIN_P")}
    expected = [
        max((position for position, state in enumerate(path, 1) if state in final), default=-1)
        for path in paths
    ]
    padded = torch.tensor([path + [-1] * (12 - len(path)) for path in paths])
    assert cleavage_sites(padded).tolist() == expected
