"""Whether what was read from a file fits the model it is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

import torch
from torch import Tensor

from peftsp.errors import BundleError, PeftspError
from peftsp.files import shown


def check_names(found: set[str], expected: frozenset[str], place: str) -> None:
    """Check that trained tensors are just those that a model has.

    Raises:
        BundleError: One is missing or unknown.
    """
    for name in sorted(found ^ expected):
        verdict = "an unknown one" if name in found else "one missing"
        raise BundleError(f"{place}: expected the tensors of its method, found {verdict}: {name}")


def check_shapes(found: dict[str, Tensor], model: torch.nn.Module, place: str) -> None:
    """Check that trained tensors have the shapes that a model's of the same names have.

    Raises:
        BundleError: One has another.
    """
    expected = model.state_dict()
    for name, tensor in found.items():
        if name in expected and tensor.shape != expected[name].shape:
            raise BundleError(
                f"{place}: {name}: expected shape {tuple(expected[name].shape)}, "
                f"found {tuple(tensor.shape)}"
            )


def check_types(settings: Any, place: str, error: type[PeftspError] = BundleError) -> None:
    """Check that the values in a dataclass have the types of their fields.

    Raises:
        BundleError: One has another; or the ``error`` given.
    """
    hints = get_type_hints(type(settings))
    for field in fields(settings):
        value = getattr(settings, field.name)
        if not _is_a(value, hints[field.name]):
            raise error(f"{place}: {field.name}: expected {field.type}, found {shown(value)}")


def _is_a(value: Any, hint: Any) -> bool:
    parts = get_args(hint)
    if get_origin(hint) in (dict, Mapping):
        return isinstance(value, Mapping)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_a(item, parts[0]) for item in value)
    if parts:
        return any(_is_a(value, part) for part in parts)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)
