"""The command makes one bundle of several, which is used like any other."""

import json
from dataclasses import replace

import pytest
import torch

from peftsp import predict
from peftsp.model.bundle import read_bundle, save_bundle
from peftsp.model.shipped import find_model
from peftsp.training.soup_cli import main

LONG = "MKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNGPTHENQLGAGAFGG"


@pytest.fixture
def run(capsys):
    """Function that runs the command: status, what it printed, what it complained of."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


@pytest.mark.slow
def test_shares_weigh_the_models(run, tmp_path):
    fast = read_bundle(find_model("fast"))
    name = "head.emissions.bias"
    save_bundle(
        replace(fast, weights={**fast.weights, name: fast.weights[name] + 4}), tmp_path / "b"
    )
    made = tmp_path / "averaged"
    assert run("fast", tmp_path / "b", "-o", made, "--shares", 3, 1) == (0, f"{made}\n", "")
    torch.testing.assert_close(read_bundle(made).weights[name], fast.weights[name] + 1)


@pytest.mark.slow
def test_the_mean_of_a_model_and_itself_predicts_as_it_does(run, tmp_path):
    fast = read_bundle(find_model("fast"))
    save_bundle(fast, tmp_path / "copy")
    # The copy has no card, and comes first.
    assert run(tmp_path / "copy", "fast", "-o", tmp_path / "averaged")[0] == 0
    said = json.loads((tmp_path / "averaged" / "config.json").read_text())["training"]
    assert said["licence"] == "MIT"
    assert "Averaged with others from `fast`" in (tmp_path / "averaged" / "README.md").read_text()
    [one], [other] = (
        list(predict({"P1": LONG}, bundle=bundle, model=None))
        for bundle in (tmp_path / "copy", tmp_path / "averaged")
    )
    assert one == other


@pytest.mark.slow
def test_licences_of_all_models_hold(run, tmp_path):
    fast = read_bundle(find_model("fast"))
    for name, licence in {"a": "MIT\n", "b": "GPL\n", "c": "MIT\n"}.items():
        more = replace(fast, training={**fast.training, "name": name})
        papers = {"README.md": f"# {name}\n", "LICENSE": licence, "NOTICE": "Meta's\n"}
        save_bundle(more, tmp_path / name, papers=papers)
    given = [tmp_path / name for name in "abc"]
    assert run(*given, "-o", tmp_path / "averaged")[0] == 0
    assert (tmp_path / "averaged" / "LICENSE").read_text() == "MIT\n\nGPL\n"
    assert (tmp_path / "averaged" / "NOTICE").read_text() == "Meta's\n"


def test_what_cannot_be_averaged_is_named(run, tmp_path):
    for arguments, error in (
        (["fast", "accurate"], "accurate: backbone: expected"),
        (["fast", "fast"], "expected each model once, found fast twice"),
        (
            ["fast", "--shares", 1, 2],
            "--shares: expected 1 numbers above 0, one a model, found 1 2",
        ),
        (["fast", "--shares", 0], "--shares: expected 1 numbers above 0, one a model, found 0"),
        (["fast", tmp_path / "absent"], "absent: expected a bundle folder with config.json"),
    ):
        status, _, complaint = run(*arguments, "-o", tmp_path / "averaged")
        assert status == 2
        assert error in complaint
        assert complaint.count("\n") == 1
        assert not (tmp_path / "averaged").exists()
    assert run("fast", "-o", tmp_path)[2].endswith("expected a new folder, found one that exists\n")


def test_broken_weights_are_named(run, tmp_path):
    fast = read_bundle(find_model("fast"))
    name = next(name for name in fast.weights if name.startswith("backbone."))
    fast.weights[name] = fast.weights[name][:1]
    save_bundle(fast, tmp_path / "broken")
    status, _, complaint = run("fast", tmp_path / "broken", "-o", tmp_path / "averaged")
    assert status == 2
    assert f"broken: {name}: expected shape" in complaint
