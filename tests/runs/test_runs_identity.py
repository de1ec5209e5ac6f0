"""Which settings count: all of them are changed, one at a time."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from peftsp.errors import RunError
from peftsp.runs.folder import RunFolder
from peftsp.runs.identity import (
    DOES_NOT_COUNT,
    LATER,
    WHICH_OF_SEVERAL,
    Contents,
    contents_of,
    first_difference,
    flatten,
    method_of,
    what_counts,
)
from peftsp.runs.record import read_record, write_record
from peftsp.settings_folder import CONF
from peftsp.sweep.plan import plan

CHOICES = [
    *("data=synthetic", "backbone=esm2_tiny", "peft=lora", "optimizer=muon"),
    *("scheduler=cosine", "name=run", "callbacks.best.dirpath=checkpoints", "logger=csv"),
]


def composed(name="train"):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(name, CHOICES)
    return OmegaConf.to_container(config, resolve=True)


SETTINGS = {**flatten(composed()), "data.type_weights": None, "trainer.strategy._target_": "ddp"}


def is_without_effect(name):
    parts = name.split(".")
    return any(".".join(parts[: end + 1]) in DOES_NOT_COUNT for end in range(len(parts)))


def nested(flat):
    return OmegaConf.to_container(
        OmegaConf.from_dotlist([]) if not flat else _merged(flat), resolve=True
    )


def _merged(flat):
    config = OmegaConf.create({})
    for name, value in flat.items():
        OmegaConf.update(config, name, value)
    return config


def changed(value):
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return [*value, "x"]
    return 1


CHANGES = [(name, changed(value)) for name, value in SETTINGS.items()]


@pytest.fixture
def begun(tmp_path, make_record):
    """A stopped run with all settings, and its contents."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    record = make_record(nested(SETTINGS), has_ended=False)
    write_record(record, tmp_path)
    return RunFolder(tmp_path), contents_of(record)


@pytest.mark.parametrize(("name", "value"), CHANGES, ids=[name for name, _ in CHANGES])
@pytest.mark.parametrize("way", ["resume", "sweep"])
def test_what_counts_is_refused_and_what_does_not_is_accepted(begun, way, name, value):
    folder, contents = begun
    settings = nested({**SETTINGS, name: value})

    def go_on():
        if way == "resume":
            folder.check(settings, contents)
        else:
            here = {**settings, "paths": {"output_dir": str(folder.path)}}
            plan([()], lambda _: OmegaConf.create(here), lambda _: contents)

    if is_without_effect(name) or (way, name) == ("sweep", "overwrite"):
        go_on()
        return
    with pytest.raises(RunError) as refused:
        go_on()
    # The first in the alphabet is named; a changed value may make others, as of a list.
    assert f"found there, {name}={'null' if SETTINGS[name] is None else SETTINGS[name]}, found" in (
        str(refused.value)
    )


@pytest.mark.parametrize("name", ["data.batch_size", "optimizer.lr", "peft.rank"])
def test_setting_that_one_side_has_not_counts(begun, name):
    folder, contents = begun
    without = {key: value for key, value in SETTINGS.items() if key != name}
    with pytest.raises(RunError, match=rf"{name}={SETTINGS[name]}, found {name}=nothing"):
        folder.check(nested(without), contents)
    more = {**SETTINGS, "optimizer.eps": [0.9, 0.99]}
    with pytest.raises(RunError, match=r"optimizer.eps=nothing, found optimizer.eps=\[0.9,"):
        folder.check(nested(more), contents)


@pytest.mark.parametrize("name", LATER)
def test_runs_from_before_a_setting_are_as_those_that_leave_it_alone(begun, make_record, name):
    folder, contents = begun
    assert name not in SETTINGS
    assert composed()["loss"][name.removeprefix("loss.")] == LATER[name]
    folder.check(nested({**SETTINGS, name: LATER[name]}), contents)
    with pytest.raises(RunError, match=rf"{name}=nothing, found {name}=2"):
        folder.check(nested({**SETTINGS, name: 2}), contents)
    before, now = (make_record(nested(s)) for s in (SETTINGS, {**SETTINGS, name: LATER[name]}))
    assert method_of(before) == method_of(now)


@pytest.mark.parametrize("stage", ["val", "test"])
@pytest.mark.parametrize(("limit", "counts"), [(1, True), (0.5, True), (1.0, False), (0, False)])
def test_size_of_batches_counts_where_these_are_limited(begun, stage, limit, counts):
    folder, contents = begun
    settings = {**SETTINGS, f"trainer.limit_{stage}_batches": limit}
    write_record(replace(read_record(folder.path), settings=nested(settings)), folder.path)
    other = nested({**settings, "data.eval_batch_size": 7})
    refused = pytest.raises(RunError, match=r"found with data\.eval_batch_size=7")
    with refused if counts else nullcontext():
        folder.check(other, contents)


@pytest.mark.parametrize("part", ["data", "extra", "backbone", "checkpoint"])
def test_content_counts(begun, part):
    folder, contents = begun
    values = {"data": contents.data, "extra": contents.extra, "backbone": contents.backbone}
    with pytest.raises(RunError, match=r"\(sha256\)="):
        folder.check(nested(SETTINGS), Contents(**{**values, part: "c" * 64}))


def test_no_name_in_the_lists_is_out_of_date():
    names = flatten(composed()).keys() | flatten(composed("search")).keys()
    optional = {"trainer.enable_progress_bar", "trainer.default_root_dir", "data.name"}
    optional |= {"data.dir", "data.path"}
    for name in (DOES_NOT_COUNT | WHICH_OF_SEVERAL) - optional:
        assert any(known == name or known.startswith(f"{name}.") for known in names), name


def test_numbers_are_compared_by_value_but_not_with_flags():
    assert first_difference({"a": 1, "b": (1, 2)}, {"a": 1.0, "b": [1, 2]}) is None
    assert first_difference({"a": 1}, {"a": True}) == ("a", "1", "True")


def test_runs_of_one_method_differ_in_fold_and_seed_alone(make_record):
    base = {"data": {"fold": 0, "seed": 1}, "seed": 1, "backbone": {"checkpoint": "random"}}
    other = {"data": {"fold": 3, "seed": 2}, "seed": 2, "backbone": {"checkpoint": "random"}}
    first, second = make_record(base), make_record(other, backbone_sha256="c" * 64)
    assert method_of(first) == method_of(second)
    assert what_counts(first.settings, contents_of(first)) != what_counts(
        second.settings, contents_of(second)
    )
    gone_on = [make_record(base, checkpoint_sha256=letter * 64) for letter in "cd"]
    assert method_of(gone_on[0]) == method_of(gone_on[1]) != method_of(first)
    published = {**base, "backbone": {"checkpoint": None}}
    assert method_of(make_record(published)) != method_of(
        make_record(published, backbone_sha256="c" * 64)
    )
