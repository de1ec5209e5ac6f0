"""Methods that other packages announce, named in a command like those of this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from importlib.metadata import entry_points

from peftsp.errors import ConfigError
from peftsp.peft.base import PeftMethod
from peftsp.training.start_settings import as_value

GROUP = "peftsp.peft"
"""Entry points of packages: a name for ``peft=``, and the class of a `PeftMethod`."""


def name_outside_methods(arguments: Sequence[str]) -> list[str]:
    """Replace ``peft=NAME`` by class and settings where another package announces the name.

    Its settings get their defaults, so that ``peft.SETTING=…`` changes one and knows no other.

    Args:
        arguments: As on the command line, without the program's name.

    Raises:
        ConfigError: What is announced cannot be imported, or is no method.
    """
    announced = {f"peft={point.name}": point for point in entry_points(group=GROUP)}
    written: list[str] = []
    for argument in arguments:
        if argument not in announced:
            written.append(argument)
            continue
        point = announced[argument]
        try:
            method = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{argument}: expected {point.value} to import: {error}") from error
        if not (isinstance(method, type) and issubclass(method, PeftMethod)):
            raise ConfigError(f"{argument}: expected a PeftMethod, found {point.value}")
        written += ["peft=frozen", f"peft._target_={method.__module__}.{method.__qualname__}"]
        for field in fields(method):  # type: ignore[arg-type]
            made = field.default_factory
            default = field.default if made is MISSING else made()
            value = "???" if default is MISSING else as_value(default)
            written.append(f"++peft.{field.name}={value}")
    return written
