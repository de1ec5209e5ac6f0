"""The leaderboard's commands are ones that peftsp takes, and its report reads all runs alike."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.search.space import distributions_of
from peftsp.settings_folder import CONF

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "peft_leaderboard"
METHODS = yaml.safe_load((FOLDER / "methods.yaml").read_text())


def first_of(bounds):
    return bounds["low"] if isinstance(bounds, dict) else bounds[0]


@pytest.fixture
def script(monkeypatch):
    """Function of a script's name that imports it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield import_module
    for name in ("study", "trivial", "report"):
        sys.modules.pop(name, None)


@pytest.fixture
def study(script, monkeypatch, tmp_path):
    """A study, and the commands that it has given."""
    module, given = script("study"), []
    monkeypatch.setattr(
        module.subprocess,
        "run",
        lambda command, check: given.append(command[1:]) or SimpleNamespace(returncode=0),
    )
    options = module._parser().parse_args(["--checkpoint", "x", "--runs", str(tmp_path)])
    return module.Study(options), given


@pytest.mark.parametrize("name", METHODS)
def test_sizes_are_settings_of_the_method(name):
    settings = OmegaConf.load(CONF / "peft" / f"{METHODS[name].get('peft', name)}.yaml")
    for key, values in METHODS[name]["size"].items():
        assert key.startswith("peft.")
        OmegaConf.set_struct(settings, True)
        OmegaConf.update(settings, key.removeprefix("peft."), first_of(values))
    instantiate(settings, _convert_="all")


@pytest.mark.parametrize("name", ["ia3", "scratch"])
def test_commands_of_a_method_can_be_composed(study, tmp_path, name):
    pytest.importorskip("optuna")
    made, given = study
    made.tune(name, METHODS[name], 1)
    assert given[0][:2] == ["-m", "peftsp.search"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        search = compose("search", given[0][2:])
    space = distributions_of(search.search.space, 6)
    assert list(search.search.folds) == [2]
    assert set(space) == {"optimizer.lr", "learning_rate.head_factor", *METHODS[name]["size"]}

    sizes = {key: first_of(values) for key, values in METHODS[name]["size"].items()}
    tuned = {"optimizer.lr": 0.01, "learning_rate.head_factor": 2.0, **sizes}
    folder = tmp_path / made._search(name, 1)
    folder.mkdir(parents=True)
    lines = [["trial", "folder", "state", "value", *tuned, "error"]]
    lines += [[0, "trial0", "pruned", "", *tuned.values(), ""]]
    lines += [[1, "trial1", "complete", 0.5, *tuned.values(), ""]]
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    (folder / "trials.csv").write_text(text)
    made.train(name, METHODS[name], 1, [1])
    assert given[1][:2] == ["train.py", "-m"]
    overrides = [o for o in given[1][2:] if not o.startswith(("data.fold", "seed"))]
    assert "data.fold=2,3" in given[1]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = compose("train", overrides)
    assert run.optimizer.lr == 0.01
    assert (run.backbone.checkpoint == "random") == (name == "scratch")


def test_methods_without_a_finished_trial_are_named(study):
    made, given = study
    made.train("lora", METHODS["lora"], 0, [1])
    assert made.failed == ["lora, partition 0: no trial has ended"]
    assert not given


@pytest.mark.slow
def test_trivial_baselines_are_runs_that_the_report_reads(script, tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    write_labelled(SyntheticProteins(120, seed=0).load(), tmp_path / "data.fasta")
    for name, arguments in (
        ("trivial", [str(tmp_path / "data.fasta"), "-o", str(tmp_path / "runs")]),
        ("report", [str(tmp_path / "runs"), "-o", str(tmp_path / "out"), "--resamples", "100"]),
    ):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        script(name).main()
    table = (tmp_path / "out" / "leaderboard.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == ["| kmer_logistic", "| most_frequent"]
    assert "| most_frequent | 6 | 0.000 (0.000 to 0.000)" in table[3]
    assert (tmp_path / "out" / "leaderboard.png").stat().st_size
