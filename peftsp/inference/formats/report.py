"""One HTML page for a run: counts, a table to search and sort, a plot of each protein.

The page holds everything that it shows and asks no server for anything. Its policy lets a browser
run just the script that is written here, whatever the names of proteins hold.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
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
    ]


def _stretches(regions: tuple[Region, ...]) -> list[tuple[int, int, int]]:
    return [(RESIDUE_REGIONS.index(region.name), region.start, region.end) for region in regions]


def _write(read: Read, folder: Path, facts: RunFacts) -> None:
    counts = Counter(prediction.sp_type for prediction in read())
    head, tail = _page(facts, counts).split(_RECORDS)
    with (folder / "report.html").open("w", encoding="utf-8") as file:
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
    from markupsafe import Markup

    from peftsp.web_page import find_template

    style, script = _style(), _script()
    notice = _notice(facts, counts)
    day = facts.finished.strftime("%Y-%m-%d %H:%M")
    return find_template("peftsp.inference.formats").render(
        policy=_policy(style, script),
        title="Predicted signal peptides",
        facts=f"{facts.size:,} proteins, organism {facts.organism}, model {facts.model}, {day}",
        counts=[_bar(name, facts, counts) for name in SP_TYPES],
        titles={name: TYPE_TITLES[name] for name in SP_TYPES},
        regions={name: INKS[name].title for name in RESIDUE_REGIONS[:5]},
        notice=notice,
        vocabulary=Markup(_embed(_vocabulary())),
        records=_RECORDS,
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
    return "\n" + _text("report.css") + "\n".join(inks) + "\n"


def _script() -> str:
    return '\n"use strict";\n' + _text("report_plot.js") + "\n" + _text("report_table.js")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


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
    needs_region_probabilities=True,
)
