"""GFF3 with signal peptides: UniProt's, peftsp's, DeepSig's and that of other tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from peftsp.data.lines import numbered_lines
from peftsp.labels import SP_TYPES
from peftsp.prepare.entry import Entry, Feature, Label, Unusable
from peftsp.prepare.sources.features import KEY_OF_NAME, codes_in, evidence_level

_PREDICTORS = ("peftsp", "deepsig", "signalp", "phobius")


def read_gff3(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of a GFF3 file, one for each protein that it names; without their sequences."""
    features: dict[str, list[Feature]] = {}
    first: dict[str, str] = {}
    labels: dict[str, Label] = {}
    for number, line in numbered_lines(path, str(path)):
        place = f"{path}:{number}"
        if line.startswith("##FASTA"):
            break
        if line.startswith("##sequence-region"):
            named = unquote(line.split()[1]) if len(line.split()) > 1 else ""
            first.setdefault(named, place)
        if line.startswith("#") or not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != 9 or not (cells[3].isdecimal() and cells[4].isdecimal()):
            yield Unusable(
                place, cells[0], f"expected the nine columns of GFF3, found {line[:60]!r}"
            )
            continue
        named, said = unquote(cells[0]), _attributes(cells[8])
        first.setdefault(named, place)
        kind = KEY_OF_NAME.get(cells[2].casefold(), cells[2])
        level = evidence_level(codes_in(said.get("evidence", "") + said.get("Ontology_term", "")))
        note = said.get("Note", "")
        features.setdefault(named, []).append(
            Feature(kind, int(cells[3]), int(cells[4]), note, level)
        )
        if kind == "SIGNAL" and said.get("sp_type") in SP_TYPES:
            labels[named] = Label(said["sp_type"], int(cells[4]))
        elif kind == "SIGNAL" and cells[1].casefold().startswith(_PREDICTORS):
            labels[named] = Label("SP", int(cells[4]))
    for named, place in first.items():
        label = labels.get(named)
        found = tuple(features.get(named, ()))
        yield Entry(place, named, "", features=found, label=label, is_weak=label is not None)


def _attributes(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): unquote(value) for name, _, value in pairs}
