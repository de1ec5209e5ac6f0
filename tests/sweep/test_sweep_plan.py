"""Which runs a sweep asks for, and that no two of them meet."""

import re
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from peftsp.errors import ConfigError
from peftsp.sweep.plan import expand, plan


def runs_of(*overrides):
    return expand(OverridesParser.create().parse_overrides([*overrides]))


def test_last_sweep_varies_fastest_and_runs_resume():
    runs = runs_of("peft=lora,adapter", "seed=3", "data.fold=range(2)")
    assert runs == [
        (f"peft={peft}", "seed=3", f"data.fold={fold}", "ckpt_path=last")
        for peft in ("lora", "adapter")
        for fold in (0, 1)
    ]


@pytest.mark.parametrize("given", ["ckpt_path=mine.ckpt", "overwrite=true"])
def test_who_says_where_to_start_is_left_alone(given):
    assert not [o for run in runs_of("seed=1,2", given) for o in run if o == "ckpt_path=last"]


def test_what_is_swept_beyond_the_name_gets_into_it():
    runs = runs_of("peft=lora,adapter", "optimizer.lr=0.1,0.2", "peft.rank=8")
    assert [run[-1] for run in runs] == [
        "variant=-optimizer.lr_0.1",
        "variant=-optimizer.lr_0.2",
    ] * 2


def test_lists_make_names_without_special_characters():
    [first, _] = runs_of("peft.target_modules=[fc1,fc2],[fc1]")
    assert first[-1] == "variant=-peft.target_modules_fc1+fc2"


def test_intervals_have_no_end():
    with pytest.raises(ConfigError, match=r"optimizer\.lr: expected values .* found an interval"):
        runs_of("optimizer.lr=interval(0,1)")


def composer(folder, **settings):
    def compose(overrides):
        values = dict(override.split("=") for override in overrides)
        name = values.pop("name", "same")
        output = {"paths": {"output_dir": f"{folder}/{name}"}}
        return OmegaConf.create({"overwrite": False, "lr": 0.1, **output, **settings, **values})

    return compose


def test_runs_that_would_share_a_folder_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"name: .* found 2 runs in .*same"):
        plan([("lr=1",), ("lr=2",), ("name=other",)], composer(tmp_path))


@pytest.fixture
def half_done(tmp_path):
    """Folder of a run that has left a resume point and its settings."""
    for place in ("same/checkpoints", "same/.hydra"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "same/checkpoints/last.ckpt").touch()
    OmegaConf.save(composer("elsewhere")(()), tmp_path / "same/.hydra/config.yaml")
    return tmp_path


def test_run_is_gone_on_with_under_the_same_settings(half_done):
    [run] = plan([()], composer(half_done))
    assert run.folder == Path(half_done, "same")


def test_run_of_other_settings_is_not_taken_for_this_one(half_done):
    message = "expected the settings of the run found there, lr=0.1, found lr=0.5"
    with pytest.raises(ConfigError, match=re.escape(message)):
        plan([()], composer(half_done, lr=0.5))


@pytest.mark.parametrize("change", [{"overwrite": True}, {"lr": 0.1}])
def test_starting_over_is_not_refused(half_done, change):
    assert plan([()], composer(half_done, **{"lr": 0.1, **change}))


def test_run_that_left_nothing_may_change(half_done):
    (half_done / "same/checkpoints/last.ckpt").unlink()
    assert plan([()], composer(half_done, lr=0.5))
