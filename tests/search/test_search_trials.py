"""What a search leaves to read: a row for each trial, and the best as an experiment."""

import pytest
from omegaconf import OmegaConf

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

from optuna.distributions import CategoricalDistribution, FloatDistribution  # noqa: E402
from optuna.trial import TrialState, create_trial  # noqa: E402

from peftsp.search.objective import ERROR  # noqa: E402
from peftsp.search.trials import write_best, write_trials  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
SPACE = {"peft.rank": CategoricalDistribution([None, 8]), "lr": FloatDistribution(1e-5, 1)}


def add(study, state, value=None, **further):
    params = further.pop("params", {"peft.rank": 8, "lr": 0.5})
    space = {name: SPACE[name] for name in params}
    study.add_trial(
        create_trial(state=state, value=value, params=params, distributions=space, **further)
    )


def test_every_trial_has_a_row(study, tmp_path):
    add(study, TrialState.COMPLETE, 0.25)
    add(study, TrialState.PRUNED, 0.9, intermediate_values={0: 0.9}, params={"lr": 1e-5})
    add(study, TrialState.FAIL, user_attrs={ERROR: 'RuntimeError: "a", b'})
    add(study, TrialState.RUNNING, params={"peft.rank": None})
    write_trials(study, tmp_path / "new" / "trials.csv")
    assert (tmp_path / "new" / "trials.csv").read_bytes().decode() == (
        "trial,folder,state,value,lr,peft.rank,error\n"
        "0,trial0000,complete,0.25,0.5,8,\n"
        "1,trial0001,pruned,,1e-05,,\n"
        '2,trial0002,fail,,0.5,8,"RuntimeError: ""a"", b"\n'
        "3,trial0003,running,,,,\n"
    )


def test_a_later_table_takes_the_place_of_the_earlier(study, tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("anything\n" * 100)
    write_trials(study, path)
    assert path.read_text() == "trial,folder,state,value,error\n"


def test_the_best_is_an_experiment(tmp_path):
    path = tmp_path / "best.yaml"
    settings = ["peft.rank=8", "peft.length=null", "optimizer.lr=1e-05", "variant='a b'"]
    settings.append("peft.target_modules=['q_proj','v_proj']")
    write_best("peft=lora", settings, path, "val/score 0.5000, validation of folds [0]")
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# @package _global_", "# val/score 0.5000, validation of folds [0]"]
    assert OmegaConf.to_container(OmegaConf.load(path)) == {
        "defaults": [{"override /peft": "lora"}, "_self_"],
        "peft": {"rank": 8, "length": None, "target_modules": ["q_proj", "v_proj"]},
        "optimizer": {"lr": 1e-5},
        "variant": "a b",
    }
