"""The command makes one bundle of several, which is used like any other."""

import json

import pytest

from peftsp import predict
from peftsp.data.identity import split_marks
from peftsp.evaluate.average_cli import main
from peftsp.model.bundle import read_bundle, save_bundle
from peftsp.model.shipped import find_model

LONG = "MKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNGPTHENQLGAGAFGG"


@pytest.fixture
def run(capsys):
    """Function that runs the command: status, what it printed, what it complained of."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


@pytest.mark.slow
def test_runs_of_several_folds_have_seen_all_of_them(trained, run, tmp_path):
    bundles = sorted((trained / "runs").glob("*/*/bundle"))
    status, said, _ = run(*bundles, "-o", tmp_path / "averaged", "--shares", 2, 1, 1)
    assert (status, said) == (0, f"{tmp_path / 'averaged'}\n")
    made = read_bundle(tmp_path / "averaged")
    seen = set().union(*(split_marks(read_bundle(b).training["proteins"]) for b in bundles))
    assert split_marks(made.training["proteins"]) == seen
    assert [member["share"] for member in made.training["averaged"]] == [0.5, 0.25, 0.25]
    results = predict({"P1": LONG}, bundle=tmp_path / "averaged")
    assert len(list(results)) == 1


@pytest.mark.slow
def test_the_mean_of_a_model_and_itself_predicts_as_it_does(run, tmp_path):
    fast = read_bundle(find_model("fast"))
    save_bundle(fast, tmp_path / "copy")
    assert run("fast", tmp_path / "copy", "-o", tmp_path / "averaged")[0] == 0
    said = json.loads((tmp_path / "averaged" / "config.json").read_text())["training"]
    assert said["licence"] == "MIT"
    assert "Averaged with others from `fast`" in (tmp_path / "averaged" / "README.md").read_text()
    [one], [other] = (
        list(predict({"P1": LONG}, bundle=bundle, model=None))
        for bundle in (tmp_path / "copy", tmp_path / "averaged")
    )
    assert one == other


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
