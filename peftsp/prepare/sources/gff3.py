"""GFF3 with signal peptides: UniProt's, peftsp's, DeepSig's and that of other tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from peftsp.data.lines import numbered_lines
from peftsp.labels import SP_TYPES
from peftsp.prepare.entry import TYPE, Entry, Feature, Label, Unusable
from peftsp.prepare.sources.features import KEY_OF_NAME, codes_in, evidence_level, position

_PREDICTORS = ("peftsp", "deepsig", "signalp", "phobius")
_WITHOUT_TYPES = ("deepsig", "phobius")
_UNENCODED = ("deepsig", "signalp")
"""Predictors that write names as they are, where GFF3 has %xx for some characters."""
_CHAIN_ALONE = "deepsig"
"""A predictor that has a row for each protein, those without signal peptide too."""
_END_OF_FRAGMENT = "non-terminal residue"
_LIPOPROTEIN = "lipoprotein_signal_peptide"


def read_gff3(path: Path) -> Iterator[Entry | Unusable]:
    """Entries of a GFF3 file, one for each protein that it names; without their sequences.

    A protein without signal peptide is one only where the file says something of them: one of
    UniProt's, one with a signal peptide of any protein, or DeepSig's. A protein with a row that
    cannot be read is left out.
    """
    features: dict[str, list[Feature]] = {}
    first: dict[str, str] = {}
    labels: dict[str, Label] = {}
    unclear: set[str] = set()
    predicted: set[str] = set()
    without_types: set[str] = set()
    broken: set[str] = set()
    fragments: set[str] = set()
    says_of_all = False
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
        program = cells[1].casefold() if len(cells) > 1 else ""
        if len(cells) == 10 and not cells[9].strip():  # UniProt ends each row with a tab
            cells.pop()
        # SignalP 6.0 has the whole header there.
        name = cells[0] if program.startswith(_UNENCODED) else unquote(cells[0])
        named = next(iter(name.split()), "")
        if len(cells) != 9:
            broken.add(named)
            yield Unusable(place, named, f"expected the nine columns of GFF3, found {line[:60]!r}")
            continue
        first.setdefault(named, place)
        said = _attributes(cells[8])
        kind = KEY_OF_NAME.get(cells[2].casefold(), cells[2])
        level = evidence_level(codes_in(said.get("evidence", "") + said.get("Ontology_term", "")))
        feature = Feature(kind, position(cells[3]), position(cells[4]), said.get("Note", ""), level)
        features.setdefault(named, []).append(feature)
        if cells[2].casefold() == _END_OF_FRAGMENT and feature.start == 1:
            fragments.add(named)
        says_of_all |= kind == "SIGNAL" or program.startswith(("uniprot", _CHAIN_ALONE))
        is_predicted = program.startswith(_PREDICTORS)
        if is_predicted:
            predicted.add(named)
        if program.startswith(_WITHOUT_TYPES):
            without_types.add(named)
        sp_type = said.get("sp_type") or _type_of(cells[2], feature.note, is_predicted)
        if kind == "SIGNAL" and sp_type in SP_TYPES and feature.start in (1, 2) and feature.end:
            label = Label(sp_type, feature.end)
            if labels.setdefault(named, label) != label:
                unclear.add(named)
    for named, place in first.items():
        if named not in broken:
            yield Entry(
                place,
                named,
                "",
                features=tuple(features.get(named, ())),
                unsaid=frozenset({TYPE} if named in without_types else ()),
                label=None if named in unclear else labels.get(named),
                is_fragment=named in fragments,
                is_weak=named in predicted,
                is_reviewed=says_of_all,
            )


def _type_of(kind: str, note: str, is_predicted: bool) -> str:
    """SP type of a row as SignalP 6.0 writes it; empty where the features have to say it."""
    is_lipoprotein = kind.casefold() == _LIPOPROTEIN
    if not (is_predicted or is_lipoprotein):
        return ""
    if note == "Pilin":
        return "PILIN"
    tat = "TAT" if note == "TAT" else ""
    return f"{tat}LIPO" if is_lipoprotein else tat or "SP"


def _attributes(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): unquote(value) for name, _, value in pairs}
