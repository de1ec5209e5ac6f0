"""Groups of organisms that proteins to test on belong to."""

from __future__ import annotations

from pathlib import Path

from peftsp.errors import RecordError
from peftsp.prepare.sources.tables import known, table_rows

_PACKED = (".gz", ".xz", ".zst")


def read_groups(given: Path | None, data: Path) -> dict[str, str]:
    """Groups by accession, from a table of the columns ``accession`` and ``group``.

    Args:
        given: The table; None for that which ``peftsp-prepare`` writes beside its records, if
            there is one.
        data: The records.

    Raises:
        RecordError: The table cannot be read, lacks a column, or a row is not whole.
    """
    unpacked = data.with_suffix("") if data.suffix in _PACKED else data
    path = given or unpacked.with_name(f"{unpacked.stem}.groups.tsv")
    if given is None and not path.is_file():
        return {}
    groups: dict[str, str] = {}
    for place, cells in table_rows(path):
        if isinstance(cells, str):
            raise RecordError(f"{place}: {cells}")
        if not {"accession", "group"} <= cells.keys():
            found = ", ".join(filter(None, cells))
            raise RecordError(f"{path}: expected the columns accession and group, found {found}")
        groups[cells["accession"]] = known(cells, "group")
    return groups
