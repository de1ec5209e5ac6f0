import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from peftsp.metrics.mcc import multiclass_mcc


def oracle(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return matthews_corrcoef(true, predicted)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=30))
def test_multiclass_mcc_equals_scikit_learn(rows):
    true, predicted = torch.tensor(rows).T
    assert multiclass_mcc(true, predicted) == pytest.approx(oracle(true, predicted), abs=1e-12)


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
