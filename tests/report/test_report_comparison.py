"""Paired comparisons: what differs shows, what is alike does not."""

import numpy as np
import pytest

from peftsp.metrics.significance import holm
from peftsp.report.comparison import MEAN, compare
from peftsp.report.evaluation import evaluate
from peftsp.report.methods import group_runs
from peftsp.report.proteins import Proteins
from peftsp.runs.results import read_run


def compared(methods, proteins, resamples=199, against=None):
    evaluations = [evaluate(m, proteins, resamples, 0, lambda draws: draws) for m in methods]
    table = compare(evaluations, proteins, resamples, 0, lambda swaps, title: swaps, against)
    return evaluations, table


def test_better_method_is_found_better(two_methods):
    evaluations, table = compared(*two_methods)
    [mean] = table[table["kingdom"] == MEAN].to_dict("records")
    assert (mean["first"], mean["second"], mean["folds"]) == ("good", "poor", 6)
    expected = evaluations[0].mean.value - evaluations[1].mean.value
    assert mean["difference"] == pytest.approx(expected)
    assert 0 < mean["low"] < mean["difference"] < mean["high"]
    assert mean["p"] == mean["p_holm"] == 1 / 200, "no permutation reaches it"


def test_each_cell_has_its_difference_and_holm_spans_the_cells(two_methods):
    evaluations, table = compared(*two_methods)
    cells = table[table["kingdom"] != MEAN]
    first, second = (e.cells[e.cells["measure"] == "mcc2"]["value"] for e in evaluations)
    np.testing.assert_allclose(cells["difference"], first.to_numpy() - second.to_numpy())
    np.testing.assert_allclose(cells["p_holm"], holm(cells["p"].to_numpy()))


def test_method_does_not_differ_from_its_copy(make_run):
    folders = [make_run("lora", fold) for fold in (0, 2)]
    folders += [make_run("four", fold) for fold in (0, 2)]  # names of one length: the same draws
    methods = group_runs(map(read_run, folders))
    _, table = compared(methods, Proteins.of(methods), 99)
    assert (table["difference"] == 0).all()
    assert (table["p"] == 1).all()


def test_runs_of_one_seed_are_compared(make_run):
    folders = [make_run("lora", 0, 1), make_run("lora", 0, 2), make_run("four", 0, 2)]
    methods = group_runs(map(read_run, folders))
    _, table = compared(methods, Proteins.of(methods), 99)
    assert (table["difference"] == 0).all()


def test_equals_are_rarely_found_to_differ(make_run):
    """Different draws of one quality: a difference by chance alone."""
    p_values = []
    for seed in range(12):
        folders = [make_run("lora", 0, 100 + seed), make_run("prompt", 0, 200 + seed)]
        methods = group_runs(map(read_run, folders))
        _, table = compared(methods, Proteins.of(methods), 99)
        p_values.append(table["p"].iloc[0])
    # Of 12 uniform p values, four below 0.05 would come once in 500 times.
    assert sum(p <= 0.05 for p in p_values) < 4
    assert 0.2 < np.mean(p_values) < 0.8


def test_shared_folds_alone_are_compared(make_run):
    folders = [make_run("lora", fold) for fold in range(6)]
    folders += [make_run("prompt", fold) for fold in (1, 3)]
    folders += [make_run("adapter", 5)]
    methods = group_runs(map(read_run, folders))
    evaluations, table = compared(methods, Proteins.of(methods), 20)
    pairs = {(row["first"], row["second"]): row["folds"] for row in table.to_dict("records")}
    assert pairs == {("adapter", "lora"): 1, ("lora", "prompt"): 2}
    of_folds = evaluations[1].method.runs
    assert [run.record.fold for run in of_folds] == list(range(6))


def test_all_are_compared_with_one_and_holm_spans_these_alone(make_run):
    folders = [make_run(name, quality=q) for name, q in (("a", 0.6), ("bb", 0.9), ("ccc", 0.7))]
    methods = group_runs(map(read_run, folders))
    _, table = compared(methods, Proteins.of(methods), 99, "bb")
    mean = table[table["kingdom"] == MEAN]
    assert list(zip(mean["first"], mean["second"], strict=True)) == [("a", "bb"), ("ccc", "bb")]
    assert (mean["difference"] < 0).all()
    np.testing.assert_allclose(mean["p_holm"], holm(mean["p"].to_numpy()))
