"""UniProt's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peftsp.data.lines import whole_text
from peftsp.errors import RecordError
from peftsp.files import shown
from peftsp.prepare.entry import Entry, Feature, Unusable
from peftsp.prepare.sources.features import KEY_OF_NAME, evidence_level


def read_uniprot_json(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of UniProt's JSON: an object with ``results``, a list, or one entry.

    Raises:
        RecordError: It is no JSON, or holds no entries.
    """
    text = whole_text(path, str(path))
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: expected JSON, found {error}") from error
    found = content.get("results", [content]) if isinstance(content, dict) else content
    if not isinstance(found, list) or not any(_is_entry(one) for one in found):
        raise RecordError(
            f"{path}: expected entries of UniProt with a primaryAccession, found none"
        )
    for number, entry in enumerate(found, start=1):
        place = f"{path}: entry {number}"
        if not isinstance(entry, dict):
            yield Unusable(place, "", f"expected an entry, found {shown(entry)}")
            continue
        try:
            yield _entry(entry, place)
        except (KeyError, TypeError, AttributeError) as error:
            named = str(entry.get("primaryAccession", ""))
            yield Unusable(place, named, f"expected a whole entry, found none of {error}")
        except ValueError as error:
            yield Unusable(place, str(entry.get("primaryAccession", "")), str(error))


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and "primaryAccession" in value


def _entry(entry: dict[str, Any], place: str) -> Entry:
    flag = entry.get("proteinDescription", {}).get("flag", "")
    return Entry(
        place,
        _checked(entry["primaryAccession"], str, "an accession"),
        _checked(entry["sequence"]["value"], str, "a sequence"),
        lineage=tuple(
            _checked(taxon, str, "the name of a taxon")
            for taxon in entry.get("organism", {}).get("lineage", ())
        ),
        features=tuple(_feature(feature) for feature in entry.get("features", ())),
        is_fragment="Fragment" in flag,
        is_reviewed="Swiss-Prot" in entry.get("entryType", "")
        and "TrEMBL" not in entry["entryType"],
    )


def _feature(feature: dict[str, Any]) -> Feature:
    ends = (feature["location"][end] for end in ("start", "end"))
    start, end = (e["value"] if e.get("modifier", "EXACT") == "EXACT" else None for e in ends)
    codes = [evidence["evidenceCode"] for evidence in feature.get("evidences", ())]
    kind = KEY_OF_NAME.get(feature["type"].casefold(), feature["type"])
    for place in filter(None, (start, end)):
        _checked(place, int, "the place of a feature")
    note = _checked(feature.get("description") or "", str, "a description")
    return Feature(kind, start, end, note, evidence_level(codes))


def _checked(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"expected {what}, found {shown(value)}")
    return value
