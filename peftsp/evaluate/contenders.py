"""Predictions of other programs, read from their own files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from peftsp.data.lines import numbered_lines
from peftsp.errors import RecordError
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.prepare.sources.tables import SIGNALP_SITE

_SIGNALP_TYPES = {"OTHER": "NO_SP", **{name: name for name in SP_TYPES}}
_PHOBIUS_SITE = re.compile(r"c(\d+)/\d+")


@dataclass(frozen=True, slots=True)
class Call:
    """What a program says of a protein.

    Attributes:
        sp_type: One of `peftsp.labels.SP_TYPES`.
        site: Residues before the cut; None where there is none.
        probabilities: Of each type; 1 for the one called where the program gives none.
    """

    sp_type: str
    site: int | None
    probabilities: tuple[float, ...]


def read_contender(path: Path) -> dict[str, Call]:
    """Calls by identifier, of SignalP 6.0's prediction_results.txt, DeepSig's GFF3 or Phobius.

    Raises:
        RecordError: The file is of none of these kinds, or a line is not, or two lines say
            different things of one protein.
    """
    lines = [(n, line) for n, line in numbered_lines(path, str(path)) if line.strip()]
    first = lines[0][1] if lines else ""
    if first.startswith(("# SignalP", "# ID")):
        rows = ((n, line) for n, line in lines if not line.startswith("#"))
        return _gathered(path, ((n, *_signalp(path, n, line)) for n, line in rows))
    if first.split()[:1] in (["SEQENCE"], ["SEQUENCE"]):
        return _gathered(path, ((n, *_phobius(path, n, line)) for n, line in lines[1:]))
    if first.startswith("##gff") or len(first.split("\t")) == 9:
        return _gff(path, [(n, line) for n, line in lines if not line.startswith("#")])
    raise RecordError(
        f"{path}: expected SignalP 6.0's prediction_results.txt, a GFF3 of DeepSig or Phobius's "
        f"short output, found {first[:40]!r}"
    )


def _gathered(path: Path, calls: Iterable[tuple[int, str, Call]]) -> dict[str, Call]:
    found: dict[str, Call] = {}
    for number, name, call in calls:
        if found.setdefault(name, call) != call:
            raise RecordError(
                f"{path}:{number}: expected one call of each protein, found another of {name}"
            )
    return found


def _sure(sp_type: str, site: int | None) -> Call:
    return Call(sp_type, site, tuple(float(name == sp_type) for name in SP_TYPES))


def _signalp(path: Path, number: int, line: str) -> tuple[str, Call]:
    cells = line.split("\t")
    sp_type = _SIGNALP_TYPES.get(cells[1] if len(cells) > 1 else "")
    try:
        if sp_type is None:
            raise ValueError(f"expected a type of {', '.join(_SIGNALP_TYPES)}")
        if not cells[0].split():
            raise ValueError("expected an identifier")
        shares = [float(cell) for cell in cells[2:] if cell.strip() and "CS pos" not in cell]
        # With organism eukarya it gives two columns, OTHER and SP.
        if len(shares) not in (2, len(SP_TYPES)):
            raise ValueError(f"expected 2 or {len(SP_TYPES)} probabilities")
        padded = (*shares, *[0.0] * (len(SP_TYPES) - len(shares)))
    except ValueError as error:
        raise RecordError(f"{path}:{number}: {error}, found {line[:60]!r}") from error
    site = SIGNALP_SITE.search(cells[-1])
    return cells[0].split()[0], Call(sp_type, int(site.group(1)) if site else None, padded)


def _phobius(path: Path, number: int, line: str) -> tuple[str, Call]:
    cells = line.split()
    if len(cells) not in (3, 4) or cells[2] not in ("Y", "0"):
        raise RecordError(
            f"{path}:{number}: expected identifier, TM, SP (Y or 0) and prediction, "
            f"found {line[:60]!r}"
        )
    site = _PHOBIUS_SITE.search(cells[-1])
    if cells[2] != "Y":
        return cells[0], _sure(SP_TYPES[NO_SP], None)
    return cells[0], _sure("SP", int(site.group(1)) if site else None)


def _gff(path: Path, lines: list[tuple[int, str]]) -> dict[str, Call]:
    named: dict[str, Call] = {}
    signals: list[tuple[int, str, Call]] = []
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != 9 or not cells[4].isdecimal():
            raise RecordError(
                f"{path}:{number}: expected nine columns of GFF3, found {line[:60]!r}"
            )
        named[cells[0]] = _sure(SP_TYPES[NO_SP], None)
        if cells[2].casefold().replace("_", " ") == "signal peptide":
            signals.append((number, cells[0], _sure("SP", int(cells[4]))))
    return named | _gathered(path, signals)
