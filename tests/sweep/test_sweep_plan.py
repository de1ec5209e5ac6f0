"""Which runs a sweep asks for, and that no two of them meet."""

import re
from dataclasses import replace

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from peftsp.errors import ConfigError, RunError
from peftsp.runs.identity import Contents
from peftsp.runs.record import write_record
from peftsp.sweep.plan import PlannedRun, expand, plan


def runs_of(*overrides):
    return expand(OverridesParser.create().parse_overrides([*overrides]))


def test_last_sweep_varies_fastest_and_runs_resume():
    runs = runs_of("peft=lora,adapter", "seed=3", "data.fold=range(2)")
    assert runs == [
        (f"peft={peft}", "seed=3", f"data.fold={fold}", "ckpt_path=last")
        for peft in ("lora", "adapter")
        for fold in (0, 1)
    ]


def test_who_says_where_to_start_is_left_alone():
    runs = runs_of("seed=1,2", "ckpt_path=mine.ckpt")
    assert not [o for run in runs for o in run if o == "ckpt_path=last"]


def test_run_that_starts_over_goes_on_when_it_is_launched_again():
    [run] = runs_of("seed=1", "overwrite=true")
    assert run[-1] == "ckpt_path=last"


def test_what_is_swept_beyond_the_name_gets_into_it():
    runs = runs_of("peft=lora,adapter", "optimizer.lr=0.1,0.2", "peft.rank=8")
    assert [run[-1] for run in runs] == [
        "variant=-optimizer.lr_0.1",
        "variant=-optimizer.lr_0.2",
    ] * 2


def test_settings_that_are_added_or_overridden_are_the_same_settings():
    runs = runs_of("++seed=1,2", "++ckpt_path=mine.ckpt")
    assert runs == [(f"++seed={seed}", "++ckpt_path=mine.ckpt") for seed in (1, 2)]


def test_lists_make_names_without_special_characters():
    [first, _] = runs_of("peft.target_modules=[fc1,fc2],[fc1]")
    assert first[-1] == "variant=-peft.target_modules_fc1+fc2"


def test_intervals_have_no_end():
    with pytest.raises(ConfigError, match=r"optimizer\.lr: expected values .* found an interval"):
        runs_of("optimizer.lr=interval(0,1)")


SAME = Contents("a" * 64, None, "b" * 64)


def composer(folder, **settings):
    def compose(overrides):
        values = dict(override.split("=") for override in overrides)
        name = values.pop("name", "same")
        output = {"paths": {"output_dir": f"{folder}/{name}"}}
        return OmegaConf.create({"overwrite": False, "lr": 0.1, **output, **settings, **values})

    return compose


def planned(folder, *overrides, contents=SAME, **settings):
    [run] = plan([overrides], composer(folder, **settings), lambda cfg: contents)
    return run


def test_runs_that_would_share_a_folder_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"name: .* found 2 runs in .*same"):
        plan([("lr=1",), ("lr=2",), ("name=other",)], composer(tmp_path), pytest.fail)


def test_a_sweep_of_no_runs_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a sweep of one run or more, found one of none"):
        plan([], composer(tmp_path), pytest.fail)


@pytest.fixture(params=[False, True], ids=["stopped", "finished"])
def begun(request, tmp_path, make_record):
    """Folder above one in which a run with ``lr=0.1`` has begun."""
    for place in ("same/checkpoints", "same/bundle"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "same/checkpoints/last.ckpt").touch()
    settings = OmegaConf.to_container(composer("elsewhere")(()))
    write_record(make_record(settings, has_ended=request.param), tmp_path / "same")
    if request.param:
        (tmp_path / "same/bundle/config.json").touch()
    return tmp_path, request.param


def test_run_is_gone_on_with_under_the_same_settings(begun):
    folder, is_finished = begun
    assert planned(folder) == PlannedRun((), folder / "same", is_finished)


def test_run_of_other_settings_is_not_taken_for_this_one(begun):
    message = "expected the settings of the run found there, lr=0.1, found lr=0.5"
    with pytest.raises(RunError, match=re.escape(message)):
        planned(begun[0], lr=0.5)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"data": "c" * 64}, r"data \(sha256\)=aaa"),
        ({"backbone": "c" * 64}, r"backbone\.checkpoint \(sha256\)=bbb"),
        ({"extra": "c" * 64}, r"data\.extra_path \(sha256\)=null"),
    ],
)
def test_run_of_other_data_or_weights_is_not_taken_for_this_one(begun, change, name):
    with pytest.raises(RunError, match=f"found there, {name}.*, found .*=ccc"):
        planned(begun[0], contents=replace(SAME, **change))


def test_starting_over_is_not_refused(begun):
    for settings, sign in (({"lr": 0.5}, ""), ({}, ""), ({}, "++")):
        run = planned(begun[0], f"{sign}overwrite=true", **settings)
        assert (run.is_finished, run.starts_over) == (False, True)


def test_what_may_start_over_does_so_only_where_it_is_another_run(begun):
    folder, is_finished = begun
    assert planned(folder, overwrite=True).is_finished == is_finished
    assert not planned(folder, overwrite=True, lr=0.5).is_finished


def test_run_that_left_nothing_may_change(tmp_path, make_record):
    (tmp_path / "same").mkdir()
    write_record(make_record(has_ended=False), tmp_path / "same")
    assert planned(tmp_path, lr=0.5)
