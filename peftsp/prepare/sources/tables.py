"""Tables: UniProt's exports, labels of a name, type and site, and SignalP 6.0's results."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from peftsp.data.lines import numbered_lines
from peftsp.errors import RecordError
from peftsp.labels import KINGDOM_LABELS, SP_TYPES
from peftsp.prepare.entry import Entry, Label, Unusable
from peftsp.prepare.sources.features import features_of_text

_FEATURE_COLUMNS = (
    *("signal peptide", "transmembrane", "intramembrane", "lipidation", "topological domain"),
    *("propeptide", "modified residue"),
)
_TELLING_COLUMNS = {"lipidation": "LIPID", "propeptide": "PROPEP"}
"""Those that a type follows from, and the features that they hold."""
_ID = ("id", "accession", "entry", "name")
_TYPE = ("type", "sp_type", "prediction")
_SITE = ("site", "cleavage_site", "cs", "cs position")
_TYPE_NAMES = {
    **{name.casefold(): name for name in SP_TYPES},
    **{"other": "NO_SP", "sec/spi": "SP", "sec/spii": "LIPO", "tat/spi": "TAT"},
    **{"tat/spii": "TATLIPO", "sec/spiii": "PILIN"},
}
_FRAGMENT = re.compile(r"\(fragments?\)", re.IGNORECASE)
_PREDICTED = {name.casefold() for name in SP_TYPES}
"""Columns of peftsp's own tables of predictions."""
SIGNALP_SITE = re.compile(r"CS pos: (\d+)-\d+")
"""Residues before the cut in a cell of SignalP 6.0's table."""
_MISSING = {"na", "nan", "n/a", "<na>", "none", "null"}


def is_uniprot_table(header: str) -> bool:
    """Whether a first line is that of a UniProt export."""
    names = _names(header)
    is_of_labels = bool(set(names) & set(_TYPE))
    return "entry" in names and (
        "signal peptide" in names or ("sequence" in names and not is_of_labels)
    )


def is_label_table(header: str) -> bool:
    """Whether a first line names columns of an identifier and a type."""
    names = _names(header)
    return bool(set(names) & set(_ID)) and bool(set(names) & set(_TYPE))


def _names(header: str) -> list[str]:
    return [name.strip().strip('"').casefold() for name in header.split(_separator(header))]


def _separator(header: str) -> str:
    return "\t" if "\t" in header else ";" if header.count(";") > header.count(",") else ","


def table_rows(path: Path) -> Iterator[tuple[str, dict[str, str] | str]]:
    """Place and cells of each row by lower-case column; what is wrong of a row that is not whole.

    Raises:
        RecordError: The file is empty, a column comes twice, or a row is none.
    """
    lines = ((n, line) for n, line in numbered_lines(path, str(path)) if line.strip())
    first = next(lines, None)
    if first is None:
        raise RecordError(f"{path}: expected a table, found an empty file")
    names = _names(first[1])
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise RecordError(f"{path}:{first[0]}: expected each column once, found {twice!r} again")
    for number, line in lines:
        place = f"{path}:{number}"
        try:
            # A cell that is still open would take the empty line in.
            row, *more = csv.reader([line, ""], delimiter=_separator(first[1]))
        except csv.Error as error:
            raise RecordError(f"{place}: expected a row of a table, found: {error}") from error
        if not more:
            yield place, 'expected a row in one line, found a cell that no " ends'
        elif len(row) != len(names):
            yield place, f"expected a cell for each column, found {len(row)}"
        else:
            yield place, dict(zip(names, map(str.strip, row), strict=True))


def read_uniprot_table(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of an export with Entry, Sequence, Signal peptide and further columns.

    Raises:
        RecordError: A column is missing.
    """
    for place, cells in table_rows(path):
        if isinstance(cells, str):
            yield Unusable(place, "", cells)
            continue
        missing = [name for name in ("sequence", "signal peptide") if name not in cells]
        if missing:
            raise RecordError(
                f"{path}:1: expected the columns Entry, Sequence and Signal peptide of a UniProt "
                f"export, found no {missing[0]!r}"
            )
        given = {name: cells[name] for name in _FEATURE_COLUMNS if cells.get(name)}
        unread = [name for name, text in given.items() if not any(features_of_text(text))]
        if unread:
            yield Unusable(
                place,
                cells["entry"],
                f"expected features as 'SIGNAL 1..21' in the column {unread[0]}, "
                f"found {given[unread[0]][:40]!r}",
            )
            continue
        lineage = cells.get("taxonomic lineage", "")
        yield Entry(
            place,
            cells["entry"],
            cells["sequence"],
            lineage=tuple(re.split(r"[,;] ", lineage)) if lineage else (),
            features=tuple(features_of_text("; ".join(given.values()))),
            unsaid=frozenset(kind for name, kind in _TELLING_COLUMNS.items() if name not in cells),
            is_fragment=bool(cells.get("fragment"))
            or bool(_FRAGMENT.search(cells.get("protein names", ""))),
            is_reviewed=cells.get("reviewed", "").casefold() == "reviewed",
        )


def read_label_table(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of a table of identifier, type, site, and perhaps kingdom, group, sequence."""
    for place, cells in table_rows(path):
        if isinstance(cells, str):
            yield Unusable(place, "", cells)
            continue
        named = _first(cells, _ID)
        try:
            label = _label(_first(cells, _TYPE), _first(cells, _SITE))
            kingdom = _kingdom(known(cells, "kingdom"))
            partition = _number(known(cells, "partition"), "a partition")
        except ValueError as error:
            yield Unusable(place, named, str(error))
            continue
        yield Entry(
            place,
            named,
            known(cells, "sequence") or known(cells, "residues"),
            kingdom=kingdom,
            label=label,
            group=known(cells, "group"),
            partition=partition,
            is_weak=cells.keys() >= _PREDICTED,
        )


def read_signalp(path: Path) -> Iterator[Entry | Unusable]:
    """Predictions of SignalP 6.0, ``prediction_results.txt``, as weak labels."""
    for number, line in numbered_lines(path, str(path)):
        if line.startswith("#") or not line.strip():
            continue
        place, cells = f"{path}:{number}", line.split("\t")
        named = cells[0].split(maxsplit=1)[0] if cells[0].strip() else ""
        site = cells[-1] if SIGNALP_SITE.search(cells[-1]) else ""
        try:
            label = _label(cells[1] if len(cells) > 1 else "", site)
        except ValueError as error:
            yield Unusable(place, named, str(error))
            continue
        yield Entry(place, named, "", label=label, is_weak=True)


def known(cells: dict[str, str], name: str) -> str:
    """A cell; empty where there is none, or where pandas or R have written that it is missing."""
    cell = cells.get(name, "")
    return "" if cell.casefold() in _MISSING else cell


def _first(cells: dict[str, str], names: tuple[str, ...]) -> str:
    return next((cells[name] for name in names if name in cells), "")


def _label(sp_type: str, site: str) -> Label:
    if (match := SIGNALP_SITE.search(site)) is not None:
        site = match.group(1)
    named = _TYPE_NAMES.get(sp_type.casefold())
    if named is None:
        raise ValueError(f"expected a type of {', '.join(SP_TYPES)}, found {sp_type!r}")
    found = _number(site, "a site")
    if named == "NO_SP":
        if found:
            raise ValueError(f"expected no site of NO_SP, found {found}")
        return Label(named, None)
    if not found:
        raise ValueError(f"expected a cleavage site of {named}, found none")
    return Label(named, found)


def whole_number(cell: str) -> str:
    """A cell's whole number as people write it, where pandas or R wrote the cell.

    >>> whole_number("17.0"), whole_number("17"), whole_number("NaN"), whole_number("1.5")
    ('17', '17', '', '1.5')
    """
    return "" if cell.casefold() in _MISSING else cell.removesuffix(".0")


def _number(text: str, what: str) -> int | None:
    whole = whole_number(text)
    if whole in ("", "-", "0") and what == "a site":
        return None
    if whole == "":
        return None
    if not (whole.isascii() and whole.isdecimal()):
        raise ValueError(f"expected {what} as a whole number, found {text!r}")
    return int(whole)


def _kingdom(text: str) -> str | None:
    if not text:
        return None
    if text.upper() not in KINGDOM_LABELS:
        raise ValueError(f"expected a kingdom of {', '.join(KINGDOM_LABELS)}, found {text!r}")
    return text.upper()
