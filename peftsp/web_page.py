"""Templates of the web pages that commands write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def find_template(package: str, **filters: Callable[..., Any]) -> Template:
    """The template of a package's page, ``templates/page.html.j2``; what is put into it is escaped.

    Args:
        package: Its import path.
        filters: Functions that the template uses, by name.
    """
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template("page.html.j2")
