"""One HTML page for a run: counts, a table to search and sort, a plot of each protein.

The page holds everything that it shows and asks no server for anything. Its policy lets a browser
run just the script that is written here, whatever the names of proteins hold.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts
from peftsp.inference.formats.palette import INKS, TYPE_TITLES
from peftsp.inference.formats.table import COLUMNS
from peftsp.labels import MAX_RESIDUES, RESIDUE_REGIONS, SP_TYPES
from peftsp.records import Prediction, Region

MOST_ROWS = 20_000
"""A run of more proteins lists those with a signal peptide only, and no more than this."""

_FILE = "report.html"
_RECORDS = "\0"


def encode_probabilities(rows: tuple[tuple[float, ...], ...]) -> str:
    """Probabilities as base64 of one byte each, row after row; 255 stands for one.

    >>> encode_probabilities(((0.0, 1.0), (0.5, 0.5)))
    'AP+AgA=='
    """
    return b64encode(bytes(min(255, round(255 * value)) for row in rows for value in row)).decode()


def as_record(prediction: Prediction) -> list[Any]:
    """What the page's script knows of a protein, in the order in which it unpacks it."""
    return [
        prediction.header,
        SP_TYPES.index(prediction.sp_type),
        [round(probability, 6) for probability in prediction.probabilities],
        prediction.cleavage_site,
        prediction.cleavage_site_probability,
        _stretches(prediction.regions),
        _stretches(prediction.motifs),
        prediction.residues[:MAX_RESIDUES],
        encode_probabilities(prediction.region_probabilities or ()),
        prediction.note,
        len(prediction.residues),
    ]


def _stretches(regions: tuple[Region, ...]) -> list[tuple[int, int, int]]:
    return [(RESIDUE_REGIONS.index(region.name), region.start, region.end) for region in regions]


def _write(read: Read, folder: Path, facts: RunFacts) -> None:
    counts = Counter(prediction.sp_type for prediction in read())
    head, tail = _page(facts, counts).split(_RECORDS)
    with (folder / _FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.write(head + "[")
        for index, prediction in enumerate(_listed(read, facts)):
            file.write((",\n" if index else "\n") + _embed(as_record(prediction)))
        file.write("\n]" + tail)


def _listed(read: Read, facts: RunFacts) -> Iterator[Prediction]:
    is_large = facts.size > MOST_ROWS
    chosen = (found for found in read() if not is_large or found.sp_type != "NO_SP")
    return islice(chosen, MOST_ROWS)


def _notice(facts: RunFacts, counts: Counter[str]) -> str:
    peptides = counts.total() - counts["NO_SP"]
    if facts.size <= MOST_ROWS:
        return ""
    which = (
        f"the {peptides:,}" if peptides <= MOST_ROWS else f"the first {MOST_ROWS:,} of {peptides:,}"
    )
    return (
        f"The run is large, so that the table lists {which} proteins with a signal peptide; "
        "the counts are of all. The format csv writes every protein."
    )


def _page(facts: RunFacts, counts: Counter[str]) -> str:
    day = facts.finished.strftime("%Y-%m-%d %H:%M")
    return render_page(
        facts=f"{facts.size:,} proteins, kingdom {facts.kingdom}, model {facts.model}, {day}",
        counts=[_bar(name, facts, counts) for name in SP_TYPES],
        notice=_notice(facts, counts),
        records=_RECORDS,
    )


@dataclass(frozen=True)
class PageParts:
    """What a page has that shows predictions otherwise than a finished run's.

    Attributes:
        title: Of the page.
        form: HTML in front of the table.
        tools: HTML of buttons beside that of the table's download.
        data: HTML of elements that the script reads.
        style: Style sheet behind that of every page.
        script: Script behind that of every page.
        vocabulary: What the script knows beside what it knows on every page.
        policy: Sources for the page's content security policy, by directive.
    """

    title: str = "Predicted signal peptides"
    form: str = ""
    tools: str = ""
    data: str = ""
    style: str = ""
    script: str = ""
    vocabulary: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, str] = field(default_factory=dict)


def render_page(
    *,
    facts: str,
    counts: Sequence[Mapping[str, Any]],
    notice: str,
    records: str,
    parts: PageParts | None = None,
) -> str:
    """The page that shows predictions, with or without more around the table.

    Args:
        facts: Of what predictions, in a line.
        counts: Of each type its ``name``, ``state``, ``share`` and ``count``.
        notice: What to know before one looks; may be empty.
        records: JSON, the list of what `as_record` gives.
        parts: What else is on the page.
    """
    from markupsafe import Markup

    from peftsp.web_page import find_template

    parts = parts or PageParts()
    style, script = _style() + parts.style, _script() + parts.script
    return find_template("peftsp.inference.formats").render(
        policy=_policy(style, script, parts.policy),
        title=parts.title,
        facts=facts,
        form=Markup(parts.form),
        tools=Markup(parts.tools),
        counts=counts,
        titles={name: TYPE_TITLES[name] for name in SP_TYPES},
        regions={name: INKS[name].title for name in RESIDUE_REGIONS[:5]},
        notice=notice,
        vocabulary=Markup(_embed({**_vocabulary(), **parts.vocabulary})),
        records=Markup(records),
        data=Markup(parts.data),
        style=Markup(style),
        script=Markup(script),
    )


def _bar(name: str, facts: RunFacts, counts: Counter[str]) -> dict[str, Any]:
    state = "checked"
    if name == "NO_SP" and facts.size > MOST_ROWS:
        state = "disabled"
    elif name == "NO_SP" and counts[name] < facts.size:
        state = ""  # a page opens on its signal peptides
    share = counts[name] / max(facts.size, 1)
    return {"name": name, "state": state, "share": share, "count": counts[name]}


def _vocabulary() -> dict[str, Any]:
    return {
        "types": SP_TYPES,
        "typeTitles": TYPE_TITLES,
        "regions": RESIDUE_REGIONS,
        "regionTitles": {name: ink.title for name, ink in INKS.items()},
        "columns": COLUMNS,
    }


def _style() -> str:
    inks = []
    for name, ink in INKS.items():
        dashes = " ".join(map(str, ink.dashes)) or "none"
        inks.append(f".region-{name} {{ --ink: {ink.colour}; --dashes: {dashes}; }}")
    return "\n" + _text("page.css") + "\n".join(inks) + "\n"


def _script() -> str:
    return '\n"use strict";\n' + _text("page_plot.js") + "\n" + _text("page_table.js")


def _policy(style: str, script: str, more: Mapping[str, str]) -> str:
    sources = {
        "default-src": "'none'",
        "script-src": _digest(script),
        "style-src": _digest(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for directive, further in more.items():
        sources[directive] = f"{sources.get(directive, '')} {further}".strip()
    return "; ".join(f"{directive} {value}" for directive, value in sources.items())


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embed(value: Any) -> str:
    # Within a script element only "<" could end it or begin a comment.
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _text(name: str) -> str:
    return (files("peftsp.inference.formats") / name).read_text(encoding="utf-8")


HTML = OutputFormat(
    "html",
    "one page with counts, plots and a table to search and sort, for any browser",
    _write,
    (_FILE,),
    needs_region_probabilities=True,
)
