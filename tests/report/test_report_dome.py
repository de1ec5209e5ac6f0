"""The DOME sheet says what runs recorded, and leaves open what they cannot know."""

import re
from types import SimpleNamespace

import pytest

from peftsp.report.dome import dome_sheet
from peftsp.report.methods import Method
from peftsp.runs.record import Cost


@pytest.fixture
def answers(make_record):
    """Function of what records say, one dict a run, that gives a sheet's answers."""

    def of(*said, resamples=1000, seed=3):
        runs = tuple(SimpleNamespace(record=make_record(**one)) for one in said)
        method = Method("lora (rank 4)", runs, {})
        sheet = dome_sheet([SimpleNamespace(method=method)], resamples, seed)
        return dict(re.findall(r"^- \*\*(.*)\.\*\* (.*)$", sheet, re.MULTILINE))

    return of


def cost_of(seconds, trained=1000):
    return Cost(trained, 5_000_000, seconds, 1, 0, None, 0, 0)


def test_numbers_are_those_of_all_runs(answers):
    settings = {"trainer": {"max_epochs": 5}, "optimizer": {"_target_": "a.b.AdamW", "lr": 0.001}}
    said = answers(
        {"cost": cost_of(3600), "splits": {"train": 1200, "test": 10}, "settings": settings},
        {"cost": cost_of(1800), "fold": 2, "seed": 7, "settings": settings, "device": "H200"},
        resamples=20000,
    )
    assert said["Execution time"] == "1.50 hours of training in 2 runs on none, H200"
    assert said["Parameters"] == "1,000 train, of 5,000,000"
    assert said["Splits"] == "fold 0: 1,200 train, 10 test; fold 2: 10 train"
    assert said["Settings"].startswith("AdamW, learning rate 0.001; 5 epochs; seeds 1, 7;")
    assert "(lora (rank 4): folds 0, 2)" in said["Method"]
    assert "20,000 resamples, seed 3;" in said["Confidence"]


def test_what_differs_between_runs_is_listed_once_each(answers):
    said = answers(
        {"cost": cost_of(1, trained=10), "versions": {"peftsp": "1", "torch": "2"}},
        {"cost": cost_of(1, trained=20), "versions": {"peftsp": "1", "torch": "3"}, "fold": 1},
        {"cost": cost_of(1, trained=10), "versions": {"peftsp": "1", "torch": "2"}, "fold": 2},
    )
    assert said["Parameters"].startswith("10, 20 train")
    assert said["Software"] == "peftsp 1, torch 2, peftsp 1, torch 3"
    assert said["Backbone"] == f"tiny (sha256 {'b' * 64})"


def test_what_trained_beside_the_data_set_is_named(answers):
    own = f"generated proteins: 360 proteins, sha256 of their content {'a' * 64}"
    assert answers({})["Provenance"] == own
    said = answers({"extra_sha256": "e", "start_sha256": "s2"}, {"fold": 1, "start_sha256": "s1"})
    assert said["Provenance"] == (
        f"{own}; further training proteins: sha256 e; began from a trained model: sha256 s1, s2"
    )


def test_methods_may_split_a_fold_differently(answers):
    said = answers(
        {"fold": 10, "splits": {"train": 3}},
        {"fold": 2, "splits": {"train": 1}},
        {"fold": 2, "splits": {"train": 2}},
        {"fold": 2, "splits": {"train": 1}},
    )
    assert said["Splits"] == "fold 2: 1 train; fold 2: 2 train; fold 10: 3 train"


@pytest.mark.parametrize("key", ["extra_sha256", "start_sha256"])
def test_another_model_may_have_labelled_what_trained(answers, key):
    assert answers({})["Meta-predictions"] == "none"
    assert answers({}, {key: "e"})["Meta-predictions"].startswith("*to be filled in*")


def test_what_only_people_know_is_left_open(answers):
    said = answers({"settings": {"data": {"path": "own.fasta"}}})
    assert said["Provenance"].startswith("own.fasta: 360 proteins")
    assert said["Redundancy between splits"].endswith("*to be filled in*: at what identity")
