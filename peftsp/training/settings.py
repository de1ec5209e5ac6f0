"""Whether a configuration fits what is made of it, before anything is read or written."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from peftsp.errors import ConfigError

_TARGET = "_target_"
_SIMPLE = {bool, int, float, str, NoneType}
_MONITORED = (
    *("val/score", "val/detection_mcc", "val/cleavage_site_mcc", "val/mean_mcc2", "val/nll"),
    *("train/loss", "train/nll", "train/regularisation"),
)
_PRECISIONS = ("32-true", "32", "64-true", "bf16-mixed", "16-mixed")


@dataclass
class _Regularisation:
    weight: float


@dataclass
class _LearningRate:
    head_factor: float


@dataclass
class _Augmentation:
    hidden_residues: float


@dataclass
class _Paths:
    runs_dir: str
    output_dir: str
    prefix_dir: str


@dataclass
class _Run:
    """What ``conf/train.yaml`` holds; groups that are made into objects have `dict`."""

    experiment_name: str
    name: str
    variant: str
    seed: int
    ckpt_path: str | None
    overwrite: bool
    test: bool
    optimized_metric: str | None
    init_from: str | None
    regularisation: _Regularisation
    learning_rate: _LearningRate
    augmentation: _Augmentation
    paths: _Paths
    crf: dict[str, Any]
    data: dict[str, Any]
    backbone: dict[str, Any]
    peft: dict[str, Any]
    head: dict[str, Any]
    optimizer: dict[str, Any]
    scheduler: dict[str, Any]
    trainer: dict[str, Any]
    callbacks: dict[str, Any]
    logger: dict[str, Any]
    search: dict[str, Any] | None = None


def check_settings(cfg: DictConfig) -> None:
    """Refuse settings that nothing reads, and values of a type that what reads them does not take.

    Args:
        cfg: As composed from ``conf/train.yaml``.

    Raises:
        ConfigError: One is unknown, missing or of another type.
    """
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    _check_group(settings, _Run, "")
    for name in ("crf", "data", "backbone", "peft", "head", "optimizer", "scheduler", "trainer"):
        _check_object(settings[name], name)
    for name in ("callbacks", "logger"):
        for part, value in settings[name].items():
            if isinstance(value, dict):
                _check_object(value, f"{name}.{part}")
            _check_monitor(settings["trainer"], value, f"{name}.{part}.monitor")
    precision = settings["trainer"].get("precision")
    if str(precision) not in _PRECISIONS:
        raise ConfigError(
            f"trainer.precision: expected one of {', '.join(_PRECISIONS)}, found {precision}"
        )


def _check_monitor(trainer: dict[str, Any], callback: Any, place: str) -> None:
    """Lightning would miss the score after the first epoch at the earliest, or not say so."""
    monitor = callback.get("monitor") if isinstance(callback, dict) else None
    if monitor is None:
        return
    if monitor.startswith("val/") and trainer.get("limit_val_batches") == 0:
        raise ConfigError(
            f"{place}: expected null, as nothing is validated with trainer.limit_val_batches=0, "
            f"found {monitor}"
        )
    if monitor not in _MONITORED and not monitor.startswith("val/mcc2/"):
        raise ConfigError(f"{place}: expected one of {', '.join(_MONITORED)}, found {monitor}")


def _check_group(settings: dict[str, Any], schema: type, prefix: str) -> None:
    hints = get_type_hints(schema)
    required = {field.name for field in fields(schema) if field.default is MISSING}
    for name in sorted(settings.keys() - hints.keys()):
        raise ConfigError(f"{prefix}{name}: expected a setting that --help lists, found another")
    for name in sorted(required - settings.keys()):
        raise ConfigError(f"{prefix}{name}: expected a value, found none")
    for name, value in settings.items():
        hint = hints[name]
        if hasattr(hint, "__dataclass_fields__"):
            _check_group(value, hint, f"{prefix}{name}.")
        else:
            _check_value(value, hint, f"{prefix}{name}")


def _check_object(settings: dict[str, Any], place: str) -> None:
    hints = _hints_of(settings[_TARGET]) if _TARGET in settings else {}
    for name, value in settings.items():
        if isinstance(value, dict):
            _check_object(value, f"{place}.{name}")
            _check_items(value, hints.get(name), f"{place}.{name}")
        elif name in hints:
            _check_value(value, hints[name], f"{place}.{name}")


def _check_items(settings: dict[str, Any], hint: Any, place: str) -> None:
    """Check the values of a setting that is a table, as of names to factors."""
    for part in (hint, *get_args(hint)):
        if get_origin(part) in (dict, Mapping):
            for name, value in settings.items():
                _check_value(value, get_args(part)[1], f"{place}.{name}")


def _hints_of(target: str) -> dict[str, Any]:
    """Types of the arguments of what makes an object, as far as they can be found out."""
    made_by = get_object(target)
    made_of = [made_by.__init__ if inspect.isclass(made_by) else made_by]
    owner = getattr(made_by, "__self__", None)
    if inspect.isclass(owner):
        # A class method hands what it does not know to its class.
        made_of.insert(0, owner.__init__)
    hints: dict[str, Any] = {}
    for function in made_of:
        try:
            hints |= get_type_hints(function)
        except (NameError, TypeError):
            continue
    return hints


def _check_value(value: Any, hint: Any, place: str) -> None:
    if not _fits(value, hint):
        raise ConfigError(f"{place}: expected {_named(hint)}, found {value!r}")


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if isinstance(value, list | dict):
        is_one_of_many = hint not in _SIMPLE
        items = value if isinstance(value, list) and len(parts) in (1, 2) else []
        return is_one_of_many and all(_fits(item, parts[0]) for item in items)
    if hint not in _SIMPLE:
        # A class of its own, as a path; of a tensor's place a file cannot hold what is none.
        return not parts and value is not None and hint is not Tensor
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _named(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_named, parts)))
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    return "null" if hint is NoneType else str(getattr(hint, "__name__", hint))
