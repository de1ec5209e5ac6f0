"""Models are tested on what they have not seen."""

from pathlib import Path

import pytest

from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import BundleError
from peftsp.evaluate.plan import plan_tests
from peftsp.evaluate.seen import Member

RECORDS = SyntheticProteins(60, 0).load()
PLACES = {
    partition: [p for p, record in enumerate(RECORDS) if record.partition == partition]
    for partition in range(3)
}


def member(name, fold=None, tests=None, unseen=(0, 1, 2), folds=6, is_known=True, seed=0):
    places = frozenset(place for partition in unseen for place in PLACES[partition])
    return Member(Path(name), name, seed, fold, tests or {}, folds, places, is_known)


def summary(plan):
    return [(t.label, t.fold, t.seed, [b.name for b in t.bundles]) for t in plan.tests]


def test_a_model_stands_for_a_fold_only_where_its_own_is_not_given():
    a, b = member("a", 0, {0: 0, 2: 1}), member("b", 2, {2: 1, 0: 0})
    alone = plan_tests({"m": [a]}, RECORDS, is_averaged=False)
    assert summary(alone) == [("m", 0, 0, ["a"]), ("m", 2, 0, ["a"])]
    assert [test.places for test in alone.tests] == [PLACES[0], PLACES[1]]
    both = plan_tests({"m": [a, b]}, RECORDS, is_averaged=False)
    assert summary(both) == [("m", 0, 0, ["a"]), ("m", 2, 0, ["b"])]


def test_models_of_one_fold_are_seeds():
    group = [member("a", 0, {0: 0}), member("b", 0, {0: 0})]
    plan = plan_tests({"m": group}, RECORDS, is_averaged=False)
    assert summary(plan) == [("m", 0, 0, ["a"]), ("m", 0, 1, ["b"])]
    assert plan.folds == 6


@pytest.mark.parametrize("fold", [0, None])
def test_models_have_the_seeds_that_they_were_trained_with_in_whatever_order(fold):
    tests = {0: 0} if fold == 0 else {}
    given = {
        "one": [member("a", fold, tests, seed=2), member("b", fold, tests, seed=1)],
        "two": [member(name, fold, tests, seed=1) for name in "cd"],
    }
    plan = plan_tests(given, RECORDS, is_averaged=False)
    assert [(t.label, t.seed) for t in plan.tests] == [
        ("one", 2),
        ("one", 1),
        ("two", 1),
        ("two", 2),
    ]


def test_an_average_is_of_those_that_have_not_seen_a_partition():
    group = [member("a", 0, {0: 0, 2: 1}), member("b", 1, {1: 0})]
    plan = plan_tests({"m": group}, RECORDS, is_averaged=True)
    assert summary(plan) == [("m", 0, 0, ["a", "b"]), ("m", 1, 0, ["a"])]
    assert plan.warnings == ["m: partition 2 is left out, as every bundle has seen of it."]


def test_an_average_of_what_has_seen_some_is_told():
    """As of a model that began from one that others had trained."""
    plan = plan_tests({"m": [member("a", 0, {0: 0}, unseen=(1,))]}, RECORDS, is_averaged=True)
    [line] = [line for line in plan.warnings if "left out" not in line]
    assert line.startswith("a was trained or chosen on 20 of the 20 proteins that it is tested on")


def test_other_data_are_tested_where_no_model_of_any_method_has_seen_them():
    methods = {"one": [member("a", unseen=(0, 1))], "two": [member("b", unseen=(1, 2))]}
    plan = plan_tests(methods, RECORDS, is_averaged=False)
    assert [test.places for test in plan.tests] == [PLACES[1], PLACES[1]]
    assert plan.warnings == [
        f"{60 - len(PLACES[1])} of 60 proteins are left out, as a bundle was trained or chosen on "
        f"them."
    ]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ([member("a", unseen=(0,)), member("b", unseen=(1,))], "no bundle has seen, found none"),
        ([member("a", 0, {0: 0}), member("b", 0, {0: 0}, folds=3)], "b: expected one of 6 folds"),
    ],
)
def test_what_cannot_be_tested_together_is_named(group, message):
    with pytest.raises(BundleError, match=message):
        plan_tests({"m": group}, RECORDS, is_averaged=False)
