"""Tables beside those of every report."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from peftsp.evaluate.summaries import group_table, threshold_table
from peftsp.report.methods import group_runs
from peftsp.report.proteins import joined
from peftsp.runs.results import read_run


@pytest.fixture
def methods(make_run):
    return group_runs([read_run(make_run("good", fold)) for fold in (0, 2)])


def test_thresholds_have_the_mcc_of_another_library(methods):
    table = threshold_table(methods)
    rows = joined(methods[0].runs)
    curve = table.numbers.set_index("threshold")["mcc"]
    for threshold in (0.2, 0.5, 0.96):
        called = 1 - rows["NO_SP"] >= threshold
        expected = matthews_corrcoef(rows["sp_type"] != "NO_SP", called)
        assert curve[threshold] == pytest.approx(expected, abs=1e-12)
    assert float(table.shown["best threshold"].iloc[0]) == curve.idxmax()


def test_false_calls_are_counted_by_group(methods):
    rows = joined(methods[0].runs)
    groups = dict.fromkeys(rows["accession"][:200], "fungi")
    table = group_table(methods, groups).numbers.set_index("group")
    own = rows[rows["accession"].isin(groups)]
    is_missed = (own["sp_type"] != "NO_SP") & (own["predicted_type"] == "NO_SP")
    assert table.loc["fungi", "missed"] == is_missed.sum()
    assert table["without signal peptide"].sum() == np.sum(rows["sp_type"] == "NO_SP")
