"""Labelled proteins to test on, from a 3-line file or a table that knows less."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from peftsp.data.labelled import read_labelled
from peftsp.data.lines import numbered_lines
from peftsp.data.residues import find_foreign
from peftsp.errors import RecordError
from peftsp.files import check_regular
from peftsp.labels import ANNOTATION_LETTER, KINGDOM_LABELS, MAX_RESIDUES, UNKNOWN_TOPOLOGY
from peftsp.prepare.sources.tables import known, table_rows, whole_number
from peftsp.records import LabelledRecord

_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")
_COLUMNS = "id, sequence, signal_peptide or site, and perhaps kingdom"


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Proteins to test on.

    Attributes:
        records: The proteins; without a known type those with a signal peptide are SP.
        has_types: Whether the types are known, and not only whether there is a signal peptide.
    """

    records: list[LabelledRecord]
    has_types: bool


def read_test_set(path: Path) -> EvaluationSet:
    """Read a 3-line file, or a table of columns `_COLUMNS`.

    In a table ``signal_peptide`` is yes or no, and a ``site`` the number of residues before the
    cut; a site alone says that there is a signal peptide.

    Raises:
        RecordError: The file cannot be read, holds no protein, lacks a column, or a line says
            neither.
    """
    # It is read twice, which a pipe cannot be.
    check_regular(path, RecordError)
    first = next((line for _, line in numbered_lines(path, str(path)) if line.strip()), "")
    if first.startswith(">"):
        return EvaluationSet(read_labelled(path), has_types=True)
    if not first:
        raise RecordError(f"{path}: expected a 3-line file or a table, found an empty file")
    records = []
    for place, cells in table_rows(path):
        if isinstance(cells, str):
            raise RecordError(f"{place}: {cells}")
        if not ({"id", "sequence"} <= cells.keys() and {"signal_peptide", "site"} & cells.keys()):
            found = ", ".join(filter(None, cells))
            raise RecordError(f"{path}: expected the columns {_COLUMNS}, found {found}")
        records.append(_record(place, cells))
    if not records:
        raise RecordError(f"{path}: expected proteins, found none below the header")
    return EvaluationSet(records, has_types=False)


def _record(place: str, cells: dict[str, str]) -> LabelledRecord:
    name, residues = cells["id"], known(cells, "sequence").upper()[:MAX_RESIDUES]
    for column, cell in (("id", name), ("sequence", residues)):
        if not cell:
            shown = f" ({name})" if name else ""
            raise RecordError(f"{place}: expected the {column} of a protein, found none{shown}")
    foreign = find_foreign(residues)
    if foreign is not None:
        raise RecordError(
            f"{place}: expected residues A to Z, found {residues[foreign]!r} at position "
            f"{foreign + 1} ({name})"
        )
    kingdom = known(cells, "kingdom").upper() or KINGDOM_LABELS[-1]
    if kingdom not in KINGDOM_LABELS:
        raise RecordError(
            f"{place}: expected a kingdom of {', '.join(KINGDOM_LABELS)}, found {kingdom} ({name})"
        )
    site = _site(place, cells.get("site", ""), len(residues), name)
    is_signal = _is_signal(place, cells.get("signal_peptide", ""), site, name)
    sp_type = "SP" if is_signal else "NO_SP"
    annotation = (ANNOTATION_LETTER["SP"] or "") * site + UNKNOWN_TOPOLOGY * (len(residues) - site)
    return LabelledRecord(name, kingdom, sp_type, 0, residues, annotation)


def _site(place: str, text: str, length: int, name: str) -> int:
    """Residues before the cut; 0 where it is not known."""
    whole = whole_number(text)
    if whole in ("", "-", "0"):
        return 0
    if not (whole.isascii() and whole.isdecimal() and int(whole) < length):
        raise RecordError(f"{place}: expected a site of 1 to {length - 1}, found {text!r} ({name})")
    return int(whole)


def _is_signal(place: str, text: str, site: int, name: str) -> bool:
    said = text.casefold()
    if said in _YES or (said == "" and site):
        return True
    if said in _NO and not site:
        return False
    shown = f"{text!r} and a site" if site else repr(text)
    raise RecordError(
        f"{place}: expected signal_peptide yes or no, or a site alone, found {shown} ({name})"
    )
