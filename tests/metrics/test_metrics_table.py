import pytest
import torch

from peftsp.labels import KINGDOMS
from peftsp.metrics.cells import WINDOWS
from peftsp.metrics.table import metric_table


def as_reference_keys(rows):
    values = {}
    for row in rows:
        prefix = f"{row.kingdom}_{row.sp_type}"
        values |= {f"{prefix}_mcc1": row.mcc1, f"{prefix}_mcc2": row.mcc2}
        for window, precision, recall in zip(WINDOWS, row.precision, row.recall, strict=True):
            values[f"{prefix}_precision_window_{window}"] = precision
            values[f"{prefix}_recall_window_{window}"] = recall
    return values


def test_golden_table(metrics_case):
    found = as_reference_keys(metric_table(*metrics_case.columns))
    assert found == pytest.approx(
        metrics_case.expected["compute_metrics"], rel=0, abs=1e-12, nan_ok=True
    )


def test_rows_count_the_sequences_of_each_kingdom_and_type(random_columns):
    true_types, *_, kingdoms = random_columns
    rows = metric_table(*random_columns)
    assert len(rows) == 20
    for row in rows:
        is_kingdom = kingdoms == KINGDOMS.index(row.kingdom)
        types = true_types[is_kingdom].tolist()
        names = ("NO_SP", "SP", "LIPO", "TAT", "TATLIPO", "PILIN")
        assert row.n == types.count(names.index(row.sp_type))


def test_no_sequences_give_no_rows():
    assert metric_table(*[torch.empty(0, dtype=torch.long)] * 5) == []
