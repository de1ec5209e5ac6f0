"""Finding a PEFT method by the name of its module."""

from __future__ import annotations

import importlib
import pkgutil
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


def find_method(settings: dict[str, Any]) -> PeftMethod:
    """Rebuild a method from what `PeftMethod.settings` gave.

    Raises:
        ConfigError: The method or one of its settings is unknown.
    """
    settings = dict(settings)
    name = settings.pop("method", None)
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
    try:
        return method(**settings)
    except TypeError as error:
        raise ConfigError(f"peft {name}: expected its settings, found {settings}") from error
