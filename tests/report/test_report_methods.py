"""Which runs are one method, what methods are called, and what does not belong together."""

import json

import pytest

from peftsp.errors import RunError


def test_folds_and_seeds_are_one_method(grouped, make_run):
    folders = [make_run("lora", fold, seed) for fold in (2, 0) for seed in (1, 2)]
    [method] = grouped(*folders)
    assert method.label == "lora"
    assert [(run.record.fold, run.record.seed) for run in method.runs] == [
        (0, 1), (0, 2), (2, 1), (2, 2),
    ]  # fmt: skip
    assert method.folds == [0, 2]
    assert method.settings == {}


def test_settings_that_differ_are_in_the_label(grouped, make_run):
    small = make_run("lora", peft={"rank": 4}, head={"dropout": 0.1})
    large = make_run("lora", seed=2, peft={"rank": 16}, head={"dropout": 0.1}, extra=1)
    other = make_run("prompt", peft={"length": 5}, head={"dropout": 0.1})
    methods = {method.label: method for method in grouped(small, large, other)}
    assert methods.keys() == {"lora (extra –, rank 4)", "lora (extra 1, rank 16)", "prompt"}
    assert methods["prompt"].settings == {"extra": "–", "peft.length": 5, "peft.rank": "–"}


def test_other_further_data_is_named_by_its_hash(grouped, make_run):
    folder = make_run("lora", seed=2)
    content = json.loads((folder / "run.json").read_text())
    content["extra_sha256"] = "c" * 64
    (folder / "run.json").write_text(json.dumps(content))
    labels = {method.label for method in grouped(make_run("lora"), folder)}
    assert labels == {"lora (extra_path –)", f"lora (extra_path {'c' * 12})"}


def test_places_make_no_method(grouped, make_run):
    first = make_run("lora", fold=0, paths={"runs_dir": "a"}, logger={"csv": 1}, variant="-a")
    second = make_run("lora", fold=1, paths={"runs_dir": "b"}, logger={"csv": 2}, variant="-b")
    assert len(grouped(first, second)) == 1


def test_other_data_set_is_refused(grouped, make_run):
    runs = make_run("lora", 0), make_run("lora", 1, sha256="b" * 64)
    with pytest.raises(RunError, match=r"lora-fold1.*: expected the data set of .*lora-fold0"):
        grouped(*runs)


def test_second_run_of_a_fold_and_seed_is_refused(grouped, make_run):
    runs = make_run("lora"), make_run("lora", name="again")
    with pytest.raises(RunError, match="expected one run of a method for each fold and seed"):
        grouped(*runs)


def test_fold_with_other_proteins_is_refused(grouped, make_run):
    whole, part = make_run("lora"), make_run("prompt")
    table = part / "test_predictions.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:50]))
    with pytest.raises(RunError, match=r"expected the 400 test proteins of fold 0 .* found 49, 49"):
        grouped(whole, part)


def test_long_settings_are_left_to_their_table(grouped, make_run):
    long = ["q_proj", "k_proj", "v_proj", "out_proj"]
    folders = make_run("lora", peft={"modules": long}), make_run("lora", 0, 2, peft={"modules": 1})
    third = make_run("lora", 0, 3, peft={"modules": [*long[:3], "another_module"]})
    methods = grouped(*folders, third)
    assert sorted(m.label for m in methods) == ["lora", "lora #2", "lora (modules 1)"]
    assert all(m.settings.keys() == {"peft.modules"} for m in methods)


def test_of_many_settings_the_unusual_ones_are_shown(grouped, make_run):
    common = {"table": "a_table", "constraint": "hard", "decoding": "of_the_type", "weight": 0.5}
    changes = [{}, {"weight": 0.25}, {"table": "none"}, {"constraint": "soft", "weight": 0}]
    folders = [
        make_run("lora", 0, seed, crf=common | change) for seed, change in enumerate(changes)
    ]
    third = make_run("lora", 0, 9, crf=common | {"decoding": "free"})
    assert [m.label for m in grouped(*folders, third)] == [
        "lora",
        "lora (weight 0.25)",
        "lora (table none)",
        "lora (constraint soft, weight 0)",
        "lora (decoding free)",
    ]
