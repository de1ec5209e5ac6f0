"""The search by agents of Weights & Biases: what it searches, and what an agent would start."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

REPOSITORY = Path(__file__).resolve().parents[2]
SWEEPS = sorted((REPOSITORY / "experiments" / "wandb_sweep").glob("*.yaml"))


def read(path):
    return OmegaConf.to_container(OmegaConf.load(path), resolve=False)


def draw(bounds):
    """A value as the service might choose it."""
    return bounds["values"][-1] if "values" in bounds else bounds["min"]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_agent_starts_a_command_that_composes(resolved, monkeypatch, path):
    monkeypatch.setenv("WANDB_RUN_ID", "a1b2c3")
    sweep = read(path)
    chosen = {"args": {k: {"value": draw(v)} for k, v in sweep["parameters"].items()}}
    command = create_sweep_command(sweep["command"])
    macros = create_sweep_command_args(chosen)
    assert command[:3] == ["${env}", "python", "${program}"]
    assert (REPOSITORY / sweep["program"]).is_file()
    assert command[-1] == "${args_no_hyphens}"
    config = resolved(*command[3:-1], *macros["args_no_hyphens"])
    assert config["test"] is False
    assert config["optimized_metric"] == sweep["metric"]["name"] == "val/score"
    assert config["paths"]["output_dir"] == f"runs/wandb_search_{path.stem}/a1b2c3"
    assert config["peft"]["rank"] == 32
    assert config["logger"]["wandb"]["id"] is None, "the agent's"


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_space_is_that_of_the_search(path):
    ours = read(REPOSITORY / "conf" / "hparams_search" / path.name)["search"]["space"]
    theirs = read(path)["parameters"]
    assert theirs.keys() == ours.keys()
    for key, bounds in ours.items():
        if "values" in bounds:
            assert theirs[key]["values"] == bounds["values"]
        else:
            assert theirs[key]["min"] == bounds["low"]
            assert bounds["high"] in ("layers", theirs[key]["max"])
            assert ("log" in theirs[key]["distribution"]) == bounds.get("log", False)
            assert theirs[key].get("q") == bounds.get("step")
