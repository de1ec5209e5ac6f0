"""Finding a PEFT method by the name of its module."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from typing import Any

import peftsp.peft
from peftsp.errors import ConfigError
from peftsp.peft.base import PeftMethod

_NO_METHODS = {"base", "bottleneck", "low_rank", "registry"}


def method_names() -> list[str]:
    """Names of all methods.

    >>> "lora" in method_names()
    True
    """
    modules = pkgutil.iter_modules(peftsp.peft.__path__)
    return sorted(module.name for module in modules if module.name not in _NO_METHODS)


def find_method(settings: dict[str, Any], allow_code: Collection[str] = ()) -> PeftMethod:
    """Rebuild a method from what `PeftMethod.settings` gave.

    Args:
        settings: The method's name, or its import path if it lives elsewhere, and its settings.
        allow_code: Packages whose code may be imported for it.

    Raises:
        ConfigError: The method or one of its settings is unknown, or its code is not allowed.
    """
    settings = dict(settings)
    name = settings.pop("method", None)
    method = _elsewhere(name, allow_code) if is_outside(str(name)) else _own(name)
    try:
        return method(**settings)
    except TypeError as error:
        raise ConfigError(f"peft {name}: expected its settings, found {settings}") from error


def is_outside(name: str) -> bool:
    """Whether a method's name is the import path of a class outside the package."""
    return ":" in name


def _elsewhere(name: str, allow_code: Collection[str]) -> type[PeftMethod]:
    """A class by its import path, such as ``mylab.mymethod:MyMethod``."""
    module, _, class_name = name.partition(":")
    package = module.partition(".")[0]
    if package not in allow_code:
        raise ConfigError(
            f"peft: expected --allow-code {package} (allow_code in Python) for the method {name}, "
            f"which is code from outside peftsp, found {' '.join(allow_code) or 'none'}"
        )
    try:
        method: Any = getattr(importlib.import_module(module), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        is_absent = getattr(error, "name", None) == package
        hint = (
            f"; install {package}, or set PYTHONPATH to the folder it lies in" if is_absent else ""
        )
        raise ConfigError(f"peft: expected {name} to import, found: {error}{hint}") from error
    if not (isinstance(method, type) and issubclass(method, PeftMethod)):
        raise ConfigError(f"peft: expected a PeftMethod, found {name}")
    return method


def _own(name: Any) -> type[PeftMethod]:
    if name not in method_names():
        raise ConfigError(f"peft: expected one of {', '.join(method_names())}, found {name!r}")
    module = importlib.import_module(f"peftsp.peft.{name}")
    (method,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, PeftMethod)
        and value.__module__ == module.__name__
    )
    return method
