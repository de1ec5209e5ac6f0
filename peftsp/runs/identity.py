"""When two runs are the same one: the settings that count, and the content of what is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from peftsp.runs.record import RunRecord

INPUTS = (
    *("data.dir", "data.path", "data.extra_path"),
    *("backbone.checkpoint", "init_from"),
)
"""Settings that say where something lies that a run reads: its content counts."""

DOES_NOT_COUNT = frozenset(
    {
        # Where a run is, how it is started and shown.
        *("name", "experiment_name", "variant", "ckpt_path", "overwrite", "optimized_metric"),
        *("paths", "logger", "search", "callbacks.progress_bar", "callbacks.learning_rate"),
        *("callbacks.resume_point", "callbacks.best.dirpath"),
        *("trainer.log_every_n_steps", "trainer.enable_progress_bar", "trainer.default_root_dir"),
        # What does the same work, only faster or elsewhere.
        *("trainer.accelerator", "data.num_workers", "data.eval_batch_size"),
        *("callbacks.prefix_cache.folder", "callbacks.prefix_cache.gigabytes"),
        # Where data and weights come from.
        *INPUTS,
        *("data._target_", "data.name", "backbone.seed"),
    }
)
"""Settings that may differ between two starts of one run; a group's name is for all in it."""

WHICH_OF_SEVERAL = frozenset({"seed", "data.fold", "data.seed", "callbacks.step_seed.seed"})
"""Settings that tell the runs of one method apart."""

LATER = {"loss.focusing": 0.0, "loss.smoothing": 0.0}
"""Settings that older runs lack, with the value by which a run is as without them."""

RANDOM = "random"

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a run reads, wherever it lies.

    Attributes:
        data: sha256 of the data set.
        extra: sha256 of the further records that train; None without.
        backbone: sha256 of the backbone's weights.
        start: sha256 of the trained model that is begun from; None without.
        checkpoint: sha256 of another run's resume point that is gone on from; None without.
    """

    data: str
    extra: str | None
    backbone: str
    start: str | None = None
    checkpoint: str | None = None


def contents_of(record: RunRecord) -> Contents:
    """What a run has read."""
    return Contents(
        data=record.dataset.sha256,
        extra=record.extra_sha256,
        backbone=record.backbone_sha256,
        start=record.start_sha256,
        checkpoint=record.checkpoint_sha256,
    )


def what_counts(settings: dict[str, Any], contents: Contents) -> dict[str, Any]:
    """All that decides a run's result, by dotted name; contents by their hash."""
    further: dict[str, Any] = {}
    if contents.checkpoint:
        further["ckpt_path (sha256)"] = contents.checkpoint
    if _has_limit(settings):
        further["with data.eval_batch_size"] = settings["data"]["eval_batch_size"]
    return {
        **flatten(settings, DOES_NOT_COUNT),
        "data (sha256)": contents.data,
        "data.extra_path (sha256)": contents.extra,
        "backbone.checkpoint (sha256)": contents.backbone,
        "init_from (sha256)": contents.start,
        **further,
    }


def method_of(record: RunRecord) -> dict[str, Any]:
    """What runs of other folds, seeds and data sets have in common, by dotted name."""
    common = flatten(record.settings, DOES_NOT_COUNT | WHICH_OF_SEVERAL)
    if record.extra_sha256 is not None:
        common["data.extra_path (sha256)"] = record.extra_sha256[:12]
    if record.start_sha256 is not None:
        common["init_from (sha256)"] = record.start_sha256[:12]
    if record.checkpoint_sha256 is not None:
        # Each fold goes on from its own.
        common["ckpt_path"] = "another run's"
    if record.settings.get("backbone", {}).get("checkpoint") != RANDOM:
        common["backbone.checkpoint (sha256)"] = record.backbone_sha256[:12]
    return common


def first_difference(kept: dict[str, Any], given: dict[str, Any]) -> tuple[str, str, str] | None:
    """A setting in which two runs differ, as `what_counts` or `flatten` gives them.

    >>> first_difference({"seed": 1, "lr": 0.1}, {"seed": 1, "lr": 0.2, "betas": None})
    ('betas', 'nothing', 'null')

    Returns:
        The setting, what the first has and what the second has; None where they are the same.
    """
    for name in sorted(kept.keys() | given.keys()):
        before, now = kept.get(name, _ABSENT), given.get(name, _ABSENT)
        if not _is_same(before, now):
            return name, _shown(before), _shown(now)
    return None


def flatten(
    settings: dict[str, Any], without: frozenset[str] = frozenset(), prefix: str = ""
) -> dict[str, Any]:
    """Settings by dotted name, but for those of `LATER` at the value there.

    >>> flatten({"name": "x", "peft": {"rank": 8}, "data": {"fold": 1}}, frozenset({"name"}))
    {'peft.rank': 8, 'data.fold': 1}

    Args:
        settings: Nested groups.
        without: Names of settings and groups to leave out.
        prefix: Of all names.
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if name in without:
            continue
        if isinstance(value, dict) and value:
            flat |= flatten(value, without, f"{name}.")
        elif not _is_same(LATER.get(name, _ABSENT), value):
            flat[name] = value
    return flat


def _has_limit(settings: dict[str, Any]) -> bool:
    """Whether the size of evaluation's batches decides which proteins validate or test."""
    trainer = settings.get("trainer", {})
    limits = [trainer.get(f"limit_{stage}_batches") for stage in ("val", "test")]
    # 1.0 is all of them, 1 is one batch.
    return any(limit and not (isinstance(limit, float) and limit == 1) for limit in limits)


def _is_same(before: Any, now: Any) -> bool:
    if before is _ABSENT or now is _ABSENT:
        return False
    # As a file holds them: tuples are lists. And 1 is 1.0, but not True.
    is_same_text = json.dumps(before) == json.dumps(now)
    return is_same_text or (before == now and bool not in {type(before), type(now)})


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else "null" if value is None else str(value)
