"""Which method a configuration of Hugging Face PEFT describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.errors import CheckpointError, ConfigError
from peftsp.files import shown
from peftsp.model.lora_settings import WITHOUT_EFFECT, lora_of
from peftsp.peft.base import PeftMethod
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import NAMING_LAYERS, PLACES, HuggingFace


def method_of(
    config: Mapping[str, Any], targets: list[str], last_k: int | None, path: Path
) -> PeftMethod:
    """The method that an ``adapter_config.json`` describes.

    Args:
        config: What the file says.
        targets: Parts of a block that the tensors beside it belong to, of
            `peftsp.peft.hf.PLACES`.
        last_k: In how many of the last layers; None for all.
        path: The file, for errors.

    Raises:
        CheckpointError: Such a method, or a setting of it, has no counterpart.
        ConfigError: PEFT is needed and missing, or it refuses an option.
    """
    kind = config.get("peft_type")
    if kind == "LORA" and not config.get("use_dora"):
        return lora_of(config, targets, last_k, path)
    if kind == "BEFT":
        return BitFit(tuple(targets), last_k)
    return _injected(config, targets, last_k, path)


def _injected(
    config: Mapping[str, Any], targets: list[str], last_k: int | None, path: Path
) -> HuggingFace:
    try:
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
    except ImportError as error:
        raise ConfigError(
            f"{path}: expected the package peft for {shown(config.get('peft_type'))}, found none; "
            "pip install peft"
        ) from error

    known = {str(kind.value): made for kind, made in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    kind = config.get("peft_type")
    if not isinstance(kind, str) or kind not in known:
        raise CheckpointError(
            f"{path}: peft_type: expected one of {', '.join(sorted(known))}, found {shown(kind)}"
        )
    options: dict[str, Any] = {}
    for field in fields(known[kind]):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        is_said = field.name in config and field.name not in {*WITHOUT_EFFECT, "peft_type"}
        if is_said and field.name not in HuggingFace.modules and config[field.name] != default:
            options[field.name] = config[field.name]
    for name in NAMING_LAYERS:
        if options.get(name):
            raise CheckpointError(f"{path}: {name}: expected none, found {shown(options[name])}")
    options["target_modules"] = targets
    if "feedforward_modules" in config:
        listed = config["feedforward_modules"] or []
        if not isinstance(listed, list):
            raise CheckpointError(
                f"{path}: feedforward_modules: expected a list, found {shown(listed)}"
            )
        theirs = {name: THEIR_MODULES[PLACES[name]] for name in targets}
        options["feedforward_modules"] = [
            name for name in targets if any(_is_named(theirs[name], entry) for entry in listed)
        ]
    return HuggingFace(kind, options, last_k, identity=True)


def _is_named(module: str, entry: str) -> bool:
    """Whether PEFT takes a module of a block for one that a list names by its end.

    >>> _is_named("output.dense", "encoder.layer.3.output.dense")
    True
    >>> _is_named("output.dense", "dense")
    True
    >>> _is_named("output.dense", "encoder.layer.3.attention.output.dense")
    False
    """
    inside = re.sub(r"^(?:.*\.)?encoder\.layer\.\d+\.", "", entry)
    return module == inside or (inside == entry and module.endswith(f".{entry}"))
