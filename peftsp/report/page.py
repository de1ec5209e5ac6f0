"""The report as one web page that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from peftsp import __version__
from peftsp.report.figures import Picture
from peftsp.report.table import Table
from peftsp.web_page import find_template


@dataclass(frozen=True)
class PageContent:
    """What the page shows.

    Attributes:
        title: Of the page.
        has_folds: Whether models were trained on folds of the data.
        facts: Name and text of what was measured: data set, methods, settings of the report.
        warnings: What a reader has to know before believing a number.
        tables: By name.
        further: Names of tables beside those of every report.
        pictures: By name.
    """

    title: str
    has_folds: bool
    facts: dict[str, str]
    warnings: Sequence[str]
    tables: dict[str, Table]
    further: Sequence[str]
    pictures: dict[str, Picture]


def render_page(content: PageContent) -> str:
    """The page as HTML; style sheet and figures are inside."""
    template = find_template("peftsp.report", inline=_inline, parted=_parted)
    return template.render(
        page=content, tables=content.tables, pictures=content.pictures, version=__version__
    )


def _parted(cell: str) -> Markup:
    """A number that is broken in front of its brackets alone, so that many columns fit."""
    value, bracket, rest = cell.partition(" (")
    interval = Markup(" <span>({}</span>").format(rest) if bracket else ""
    return Markup("<span>{}</span>").format(value) + interval


def _inline(picture: Picture) -> Any:
    """A figure's SVG with identifiers of its own, as several share a page."""
    prefix = f"{picture.name}-"
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', picture.svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}\1"', svg)
    # Its size is the page's choice; the view box keeps the proportions.
    svg = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", svg, count=1)
    svg = svg.replace("<svg ", f'<svg role="img" aria-labelledby="{prefix}caption" ', 1)
    return Markup(svg)
