"""Settings of a command that begins from a trained model, where the command gives none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from peftsp.backbone.specs import BackboneSpec, published_spec
from peftsp.errors import ConfigError
from peftsp.model.adapter_folder import is_adapter, read_adapter
from peftsp.model.bundle import Bundle, read_bundle
from peftsp.model.shipped import find_bundle
from peftsp.peft.base import PeftMethod
from peftsp.peft.registry import find_method, is_outside
from peftsp.settings_folder import CONF

_KEY = re.compile(r"[+~]*([\w./@]+)(?:=|$)")
_INIT_FROM = re.compile(r"\+*init_from=.+")
_ANY_SIZE = "esm2_tiny"
_ANY_METHOD = "frozen"


def fill_in(arguments: Sequence[str]) -> list[str]:
    """Add what ``init_from`` implies to a command: backbone, head, CRF and method of the model.

    What the command gives stays as it is given, so that what does not fit the model is refused
    later. With a method of its own, ``peft=…``, the model's is left out.

    Args:
        arguments: As on the command line, without the program's name.

    Raises:
        PeftspError: There is no such model, or several are named.
    """
    arguments = _as_start(arguments)
    places = [n for n, argument in enumerate(arguments) if _INIT_FROM.fullmatch(argument)]
    if not places:
        return list(arguments)
    [override] = OverridesParser.create().parse_overrides([arguments[places[-1]]])
    if override.is_sweep_override():
        raise ConfigError(
            f"init_from: expected one model a command, found {override.get_value_string()}"
        )
    name = override.value()
    if name is None:
        return list(arguments)
    given = {match[1] for match in map(_KEY.match, arguments) if match}
    first = places[0]
    named = [a.partition("=")[2].partition(".")[0] for a in arguments if "peft._target_=" in a]
    return [*arguments[:first], *_implied(str(name), given, named), *arguments[first:]]


def _implied(init_from: str, given: set[str], allow_code: Sequence[str]) -> list[str]:
    folder = find_bundle(init_from)
    choices: dict[str, str] = {}
    values: dict[str, Any] = {}
    known = ["seed", "quantization"]
    if is_adapter(folder):
        model: Any = read_adapter(folder)
        method = model.method
    else:
        model = read_bundle(folder)
        method = _method_of(model, init_from, allow_code)
        known += ["checkpoint"]
    if model.backbone:
        choices, values = _sizes(model.backbone.spec)
        values |= {f"backbone.{key}": getattr(model.backbone, key) for key in known}
    if "backbone" in given:
        values = {key: value for key, value in values.items() if ".spec." not in key}
    for group in ("head", "crf"):
        settings = getattr(model, group)
        values |= {f"{group}.{k}": v for k, v in asdict(settings).items()} if settings else {}
    implied = [f"{group}={choice}" for group, choice in choices.items()]
    implied += [f"++{key}={as_value(value)}" for key, value in values.items() if key not in given]
    if "peft" not in given:
        implied += _method(method)
    return [line for line in implied if line.partition("=")[0] not in given]


def _method_of(model: Bundle, init_from: str, allow_code: Sequence[str]) -> PeftMethod:
    name = str(model.peft.get("method"))
    if is_outside(name) and name.partition(".")[0] not in allow_code:
        raise ConfigError(
            f"init_from: expected peft._target_={name.replace(':', '.')} beside it, whereby its "
            f"code from outside peftsp is allowed, for the method of {init_from}, found none"
        )
    return find_method(model.peft, allow_code)


def _as_start(arguments: Sequence[str]) -> list[str]:
    """With ``peft=from_adapter peft.path=…`` as the ``init_from`` that it stands for."""
    if "peft=from_adapter" not in arguments:
        return list(arguments)
    paths = [argument for argument in arguments if argument.startswith("peft.path=")]
    if len(paths) != 1 or any(map(_INIT_FROM.fullmatch, arguments)):
        raise ConfigError(
            f"peft.path: expected one folder of an adapter with peft=from_adapter, and no "
            f"init_from, found {' '.join(paths) or 'none'}"
        )
    path = paths[0].removeprefix("peft.path=")
    if not is_adapter(find_bundle(path)):
        raise ConfigError(f"peft.path: expected the folder of an adapter, found none in {path}")
    return [
        argument.replace("peft.path=", "init_from=") if argument in paths else argument
        for argument in arguments
        if argument != "peft=from_adapter"
    ]


def _sizes(spec: BackboneSpec) -> tuple[dict[str, str], dict[str, Any]]:
    if _is_published(spec):
        return {"backbone": spec.name}, {}
    return {"backbone": _ANY_SIZE}, {f"backbone.spec.{k}": v for k, v in asdict(spec).items()}


def _is_published(spec: BackboneSpec) -> bool:
    try:
        published = published_spec(spec.name)
    except ConfigError:
        return False
    return (published.layers, published.width, published.heads) == (
        spec.layers,
        spec.width,
        spec.heads,
    )


def _method(method: PeftMethod) -> list[str]:
    """Overrides that make a method of the configuration file that is nearest to it."""
    settings = {name: value for name, value in method.settings().items() if name != "method"}
    target = f"{type(method).__module__}.{type(method).__qualname__}"
    files = {path.stem: OmegaConf.to_container(OmegaConf.load(path)) for path in _files("peft")}
    alike = {
        name: _distance(settings, content)
        for name, content in files.items()
        if isinstance(content, dict)
        and content.get("_target_") == target
        and content.get("kind") == settings.get("kind")
    }
    choice = min(alike, key=alike.__getitem__, default=_ANY_METHOD)
    known: Any = files[choice]
    absent = [
        f"~peft.options.{k}" for k in known.get("options", {}) if k not in settings["options"]
    ]
    settings = {f"peft.{key}": value for key, value in settings.items()}
    options = settings.pop("peft.options", {}) if "options" in known else {}
    settings |= {f"peft.options.{key}": value for key, value in options.items()}
    changed = {"peft._target_": target, **settings} if choice == _ANY_METHOD else settings
    values = [f"++{key}={as_value(value)}" for key, value in changed.items()]
    return [f"peft={choice}", *absent, *values]


def _distance(settings: Mapping[str, Any], content: Mapping[Any, Any]) -> int:
    """How many settings of a file differ."""
    own, other = settings.get("options", settings), content.get("options", content)
    return sum(own.get(key) != other.get(key) for key in {*own, *other} - {"_target_"})


def _files(group: str) -> Iterable[Path]:
    return sorted((CONF / group).glob("*.yaml"))


def as_value(value: Any) -> str:
    r"""A value as Hydra's command line has it.

    >>> as_value(None), as_value([1, "a b"]), as_value({"x": True})
    ('null', "[1,'a b']", '{x:true}')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(as_value, value)) + "]"
    text = re.sub(r"(\\*)'", r"\1\1\\'", str(value))
    return f"'{text}'"
