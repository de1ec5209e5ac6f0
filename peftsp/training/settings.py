"""Whether a configuration fits what is made of it, before anything is read or written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from peftsp.errors import ConfigError
from peftsp.training.trainer_settings import check_monitor, check_trainer

_TARGET = "_target_"
_OF_HYDRA = {_TARGET, "_partial_", "_convert_", "_recursive_", "_args_"}
_SIMPLE = {bool, int, float, str, NoneType}


class _Loss(TypedDict):
    focusing: float
    smoothing: float


class _Regularisation(TypedDict):
    weight: float


class _LearningRate(TypedDict):
    head_factor: float


class _Augmentation(TypedDict):
    hidden_residues: float


class _Paths(TypedDict):
    runs_dir: str
    output_dir: str
    prefix_dir: str


class _Search(TypedDict, total=False):
    trials: int
    folds: list[int]
    worker: int
    storage: str
    heartbeat: int
    sampler: dict[str, Any]
    pruner: dict[str, Any]
    space: dict[str, Any]


class _MayHave(TypedDict, total=False):
    search: _Search | None


class _Run(_MayHave):
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
    loss: _Loss
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
            check_monitor(settings["trainer"], value, f"{name}.{part}.monitor")
    search = settings.get("search") or {}
    for name in search.keys() & {"sampler", "pruner"}:
        _check_object(search[name], f"search.{name}")
    check_trainer(settings)


def _check_group(settings: dict[str, Any], schema: Any, prefix: str) -> None:
    if not isinstance(settings, dict):
        raise ConfigError(f"{prefix.rstrip('.')}: expected a group of settings, found {settings!r}")
    hints = get_type_hints(schema)
    for name in sorted(settings.keys() - hints.keys()):
        raise ConfigError(f"{prefix}{name}: expected a setting that --help lists, found another")
    for name in sorted(schema.__required_keys__ - settings.keys()):
        raise ConfigError(f"{prefix}{name}: expected a value, found none")
    for name, value in settings.items():
        hint = hints[name]
        group = next((part for part in (hint, *get_args(hint)) if is_typeddict(part)), None)
        if group is not None and value is not None:
            _check_group(value, group, f"{prefix}{name}.")
        else:
            _check_value(value, hint, f"{prefix}{name}")


def _check_object(settings: dict[str, Any], place: str) -> None:
    made_by = _made_by(settings[_TARGET], place) if _TARGET in settings else []
    _check_names(settings, made_by, place)
    hints = _hints_of(made_by)
    for name, value in settings.items():
        if isinstance(value, dict):
            _check_object(value, f"{place}.{name}")
            _check_items(value, hints.get(name), f"{place}.{name}")
        elif name in hints:
            _check_value(value, hints[name], f"{place}.{name}")


def _check_names(settings: dict[str, Any], made_by: list[Callable[..., Any]], place: str) -> None:
    """Refuse arguments that what makes an object does not take."""
    known: dict[str, inspect.Parameter] = {}
    for function in reversed(made_by):
        # Last comes what takes what others do not know.
        known = {name: part for name, part in known.items() if part.kind != part.VAR_KEYWORD}
        known |= inspect.signature(function).parameters
    if not known or any(part.kind == part.VAR_KEYWORD for part in known.values()):
        return
    for name in sorted(settings.keys() - known.keys() - _OF_HYDRA):
        expected = ", ".join(sorted(known.keys() - {"self", "args"}))
        raise ConfigError(f"{place}.{name}: expected one of {expected}, found another")


def _check_items(settings: dict[str, Any], hint: Any, place: str) -> None:
    """Check the values of a setting that is a table, as of names to factors."""
    for part in (hint, *get_args(hint)):
        if get_origin(part) in (dict, Mapping):
            for name, value in settings.items():
                _check_value(value, get_args(part)[1], f"{place}.{name}")


def _made_by(target: str, place: str) -> list[Callable[..., Any]]:
    """What takes the arguments of an object: its class, and before it what calls that."""
    try:
        made_by = get_object(target)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{place}.{_TARGET}: expected a class that can be imported, found {target} ({error})"
        ) from error
    if inspect.isclass(made_by):
        return [made_by.__init__]
    owner = getattr(made_by, "__self__", None)
    # A class method hands what it does not know to its class.
    return [owner.__init__, made_by] if inspect.isclass(owner) else [made_by]


def _hints_of(made_by: list[Callable[..., Any]]) -> dict[str, Any]:
    """Types of the arguments of what makes an object, as far as they can be found out."""
    hints: dict[str, Any] = {}
    for function in made_by:
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
    if isinstance(value, list) and origin is tuple and Ellipsis not in parts:
        return len(value) == len(parts) and all(map(_fits, value, parts))
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
    if origin is tuple and Ellipsis not in parts:
        return f"{len(parts)} values"
    if is_typeddict(hint):
        return "a group of settings"
    return "null" if hint is NoneType else str(getattr(hint, "__name__", hint))
