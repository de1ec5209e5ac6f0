"""Measures of methods against scikit-learn, pandas and the bootstrap of single measures."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.metrics.intervals import draw_resamples, percentile_interval
from peftsp.report.evaluation import evaluate
from peftsp.report.methods import group_runs
from peftsp.report.proteins import Proteins, joined
from peftsp.runs.results import read_run


@pytest.fixture
def evaluation(two_methods):
    methods, proteins = two_methods
    return evaluate(methods[0], proteins, 100, 0, lambda draws: draws)


def of_cell(evaluation, measure, kingdom, sp_type):
    cells = evaluation.cells
    rows = cells[
        (cells["measure"] == measure)
        & (cells["kingdom"] == kingdom)
        & (cells["sp_type"] == sp_type)
    ]
    [row] = rows.to_dict("records")
    return row


def mcc2_of(rows, kingdom, sp_type):
    here = rows[rows["kingdom"] == kingdom]
    return matthews_corrcoef(here["sp_type"] == sp_type, here["predicted_type"] == sp_type)


@pytest.mark.parametrize("kingdom", KINGDOMS)
@pytest.mark.parametrize("sp_type", SP_TYPES[1:])
def test_mean_sd_and_pooled_are_those_of_plain_code(evaluation, kingdom, sp_type):
    runs = evaluation.method.runs
    values = [
        mcc2_of(run.predictions, kingdom, sp_type)
        for run in runs
        if ((run.predictions["kingdom"] == kingdom) & (run.predictions["sp_type"] == sp_type)).any()
    ]
    found = of_cell(evaluation, "mcc2", kingdom, sp_type)
    assert found["folds"] == len(values)
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["pooled"] == pytest.approx(mcc2_of(joined(runs), kingdom, sp_type))
    proteins = joined(runs).drop_duplicates("protein")
    expected = ((proteins["kingdom"] == kingdom) & (proteins["sp_type"] == sp_type)).sum()
    assert found["n"] == expected
    assert found["low"] <= found["value"] + 0.1
    assert found["low"] < found["high"]


@pytest.mark.parametrize("window", [0, 2])
def test_sites_are_those_of_pandas(evaluation, window):
    precision, recall = [], []
    for run in evaluation.method.runs:
        rows = run.predictions[run.predictions["kingdom"] == "NEGATIVE"]
        predicted = rows[(rows["predicted_type"] == "SP") & rows["predicted_site"].notna()]
        hits = predicted[predicted["sp_type"] == "SP"]
        count = ((hits["predicted_site"] - hits["cleavage_site"]).abs() <= window).sum()
        precision.append(count / len(predicted))
        recall.append(count / (rows["sp_type"] == "SP").sum())
    for name, values in (("precision", precision), ("recall", recall)):
        found = of_cell(evaluation, f"{name}_{window}", "NEGATIVE", "SP")
        assert found["value"] == pytest.approx(np.mean(values))


def test_interval_is_that_of_the_bootstrap_of_one_measure(two_methods):
    methods, proteins = two_methods
    evaluation = evaluate(methods[0], proteins, 40, 3, lambda draws: draws)
    rows = joined(methods[0].runs)
    rows["place"] = proteins.places(rows["protein"])
    rows_of = rows.groupby("place").indices

    def measure(drawn):
        chosen = rows.iloc[np.concatenate([rows_of[protein] for protein in drawn])]
        return np.array([mcc2_of(chosen, "ARCHAEA", "TAT")])

    drawn = draw_resamples(proteins.strata, 40, 3)
    low, high = percentile_interval(np.stack([measure(one) for one in drawn]))
    found = of_cell(evaluation, "mcc2", "ARCHAEA", "TAT")
    assert (found["pooled_low"], found["pooled_high"]) == pytest.approx((low[0], high[0]))


def test_measures_of_the_whole(evaluation):
    rows = joined(evaluation.method.runs)
    membrane = rows[(rows["sp_type"] == "NO_SP") & (rows["membrane_start"] <= 40)]
    expected = (membrane["predicted_type"] != "NO_SP").mean()
    assert evaluation.membrane.value == pytest.approx(expected)
    gap = abs((rows["sp_type"] == rows["predicted_type"]).mean() - 0.75)
    assert evaluation.calibration.value == pytest.approx(gap), "all are 0.75 sure"
    cells = evaluation.cells[evaluation.cells["measure"] == "mcc2"]
    assert evaluation.mean.value == pytest.approx(cells["value"].mean())
    assert evaluation.pooled_mean.value == pytest.approx(cells["pooled"].mean())
    assert evaluation.mean.low < evaluation.mean.value < evaluation.mean.high


def test_better_method_is_better(two_methods):
    methods, proteins = two_methods
    good, poor = (evaluate(m, proteins, 100, 0, lambda draws: draws) for m in methods)
    assert good.mean.low > poor.mean.high


def test_seed_decides_the_intervals(two_methods):
    methods, proteins = two_methods
    first, again, other = (
        evaluate(methods[0], proteins, 20, seed, lambda draws: draws) for seed in (1, 1, 2)
    )
    assert first.mean == again.mean
    assert first.mean != other.mean
    assert first.mean.value == other.mean.value


def test_seeds_of_a_fold_are_averaged(make_run):
    folders = [make_run("lora", 0, seed) for seed in (1, 2)] + [make_run("lora", 2)]
    methods = group_runs(map(read_run, folders))
    evaluation = evaluate(methods[0], Proteins.of(methods), 10, 0, lambda draws: draws)
    values = [mcc2_of(run.predictions, "EUKARYA", "SP") for run in methods[0].runs]
    found = of_cell(evaluation, "mcc2", "EUKARYA", "SP")
    assert found["value"] == pytest.approx((np.mean(values[:2]) + values[2]) / 2)
    assert found["folds"] == 2


def test_each_seed_has_the_mean_of_its_own_runs(make_run):
    folders = [make_run("good", fold, seed) for seed in (1, 4) for fold in (0, 1, 3)]
    [both] = group_runs(read_run(folder) for folder in folders)
    of_both = evaluate(both, Proteins.of([both]), 2, 0, lambda draws: draws).of_seeds
    alone = {}
    for seed, own in ((1, folders[:3]), (4, folders[3:])):
        [method] = group_runs(read_run(folder) for folder in own)
        of_one = evaluate(method, Proteins.of([method]), 2, 0, lambda draws: draws)
        alone[seed] = of_one.mean.value
        assert of_one.of_seeds == {seed: of_one.mean.value}
    assert of_both == alone
    assert alone[1] != alone[4]
