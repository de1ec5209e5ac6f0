"""UniProt's flat files, by Biopython."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from peftsp.data.lines import numbered_lines
from peftsp.errors import ConfigError
from peftsp.prepare.entry import Entry, Feature, Unusable
from peftsp.prepare.sources.features import codes_in, evidence_level


def read_uniprot_flat(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of a file in UniProt's text format.

    Raises:
        ConfigError: Biopython is not installed.
    """
    try:
        from Bio import SwissProt
    except ImportError as error:
        raise ConfigError(
            f"{path}: expected the package biopython to read UniProt text, found none: "
            "pip install biopython"
        ) from error
    for place, text in _entries(path):
        try:
            [record] = SwissProt.parse(StringIO(text))
        except (ValueError, AssertionError, IndexError) as error:
            yield Unusable(place, "", f"expected an entry of UniProt text, found {error}")
            continue
        yield Entry(
            place,
            record.accessions[0] if record.accessions else record.entry_name,
            record.sequence,
            lineage=tuple(record.organism_classification),
            features=tuple(map(_feature, record.features)),
            is_fragment="Fragment" in record.description.partition("Flags:")[2],
            is_reviewed=record.data_class == "Reviewed",
        )


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    lines: list[str] = []
    first = 1
    for number, line in numbered_lines(path, str(path)):
        lines.append(line + "\n")
        if line.startswith("//"):
            yield f"{path}:{first}", "".join(lines)
            lines, first = [], number + 1
    if any(line.strip() for line in lines):
        yield f"{path}:{first}", "".join(lines)


def _feature(feature: Any) -> Feature:
    said = feature.qualifiers
    exact = [
        int(end) if type(end).__name__ == "ExactPosition" else None
        for end in (feature.location.start, feature.location.end)
    ]
    # Biopython counts the start from 0.
    start = None if exact[0] is None else exact[0] + 1
    codes = codes_in(str(said.get("evidence", "")))
    return Feature(feature.type, start, exact[1], str(said.get("note", "")), evidence_level(codes))
