"""The 3-line format of labelled records: header, residues, annotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from os import PathLike
from pathlib import Path

import numpy as np

from peftsp.data.legality import has_legal_path
from peftsp.data.lines import TextSource, numbered_lines
from peftsp.data.regions import region_bitmaps
from peftsp.data.residues import find_foreign
from peftsp.errors import RecordError
from peftsp.labels import (
    ANNOTATION_LETTER,
    KINGDOM_LABELS,
    MAX_RESIDUES,
    RESIDUES_OF_STATE,
    SP_TYPES,
    STATE_INDEX,
    UNKNOWN_TOPOLOGY,
)
from peftsp.records import LabelledRecord

_HEADER = ">ACCESSION|KINGDOM|TYPE|PARTITION"
_Line = tuple[int, str]


def read_labelled(
    source: TextSource, name: str | None = None, is_extra: bool = False
) -> list[LabelledRecord]:
    r"""Read the records of a 3-line file, each cut to its first 70 residues.

    Gzip, xz, zst, any line end, blank lines and lower-case residues are accepted, and so are two
    records of one accession. Each record can be trained on: some path of CRF states fits its
    annotation.

    >>> import io
    >>> read_labelled(io.StringIO(">P1|EUKARYA|NO_SP|0\nMKLAAQ\nIIMMOO\n"))[0].annotation
    'IIMMOO'

    Args:
        source: A path, or an open stream of text or bytes.
        name: What error messages call the source; by default its path.
        is_extra: Whether headers may have, for a partition, those with homologs, as in ``0+2``.

    Raises:
        RecordError: The source cannot be read, has no record, or a record is not as above.
    """
    name = name or (str(source) if isinstance(source, str | PathLike) else "input")
    lines = ((n, text) for n, line in numbered_lines(source, name) if (text := line.strip()))
    numbers, records = [], []
    for triple in _triples(lines):
        numbers.append(triple[-1][0])
        records.append(_record(name, triple, is_extra))
    if not records:
        raise RecordError(f"{name}: expected records of three lines, found none")
    lengths = np.array([len(record.residues) for record in records])
    for index in np.flatnonzero(~has_legal_path(region_bitmaps(records), lengths)):
        record = records[index]
        runs = " ".join(f"{letter}{len(list(run))}" for letter, run in groupby(record.annotation))
        raise RecordError(
            f"{name}:{numbers[index]}: expected an annotation that a path of {record.sp_type} "
            f"states can follow, found {runs} ({record.accession})"
        )
    return records


def write_labelled(records: Iterable[LabelledRecord], path: str | PathLike[str]) -> None:
    """Write records to a 3-line file, which `read_labelled` reads back as they are."""
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            fields = record.accession, record.kingdom, record.sp_type, record.partition_field
            file.write(f">{'|'.join(fields)}\n{record.residues}\n{record.annotation}\n")


def _triples(lines: Iterator[_Line]) -> Iterator[tuple[_Line, ...]]:
    while triple := tuple(islice(lines, 3)):
        yield triple


def _record(name: str, triple: tuple[_Line, ...], is_extra: bool) -> LabelledRecord:
    number, header = triple[0]
    accession, kingdom, sp_type, partitions = _labels(f"{name}:{number}", header, is_extra)
    for (place, line), what in zip(triple[1:], ("residues", "an annotation"), strict=False):
        if line.startswith(">"):
            raise RecordError(f"{name}:{place}: expected {what}, found a header ({accession})")
    if len(triple) < 3:
        raise RecordError(
            f"{name}:{triple[-1][0]}: expected a header, residues and an annotation, "
            f"found the end of the file ({accession})"
        )
    (place, residues), (last_place, annotation) = triple[1:]
    foreign = find_foreign(residues)
    if foreign is not None:
        raise RecordError(
            f"{name}:{place}: expected residues A to Z, "
            f"found {residues[foreign]!r} at position {foreign + 1} ({accession})"
        )
    if len(annotation) != len(residues):
        raise RecordError(
            f"{name}:{last_place}: label line has {len(annotation)} characters, "
            f"sequence has {len(residues)} ({accession})"
        )
    _check_annotation(f"{name}:{last_place}", annotation, sp_type, accession)
    residues, annotation = residues[:MAX_RESIDUES].upper(), annotation[:MAX_RESIDUES]
    _check_lipid_cysteine(f"{name}:{place}", residues, annotation, sp_type, accession)
    partition, near = (-1, partitions) if len(partitions) > 1 else (partitions[0], ())
    return LabelledRecord(accession, kingdom, sp_type, partition, residues, annotation, near)


def _labels(place: str, header: str, is_extra: bool) -> tuple[str, str, str, tuple[int, ...]]:
    if not header.startswith(">"):
        raise RecordError(f"{place}: expected a header {_HEADER}, found {header[:30]!r}")
    fields = [field.strip() for field in header[1:].split("|")]
    if len(fields) != 4:
        raise RecordError(
            f"{place}: expected a header {_HEADER} of 4 fields, "
            f"found {len(fields)} in {header[:60]!r}"
        )
    accession, kingdom, sp_type, partition = fields
    if not accession:
        raise RecordError(f"{place}: expected an accession after '>', found none")
    for what, value, known in (
        ("kingdom", kingdom, KINGDOM_LABELS),
        ("SP type", sp_type, SP_TYPES),
    ):
        if value not in known:
            expected = ", ".join(known)
            raise RecordError(
                f"{place}: expected a {what} of {expected}, found {value!r} ({accession})"
            )
    numbers = partition.split("+") if is_extra else [partition]
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        raise RecordError(
            f"{place}: expected a partition number 0, 1, 2, ..., found {partition!r} ({accession})"
        )
    return accession, kingdom, sp_type, tuple(map(int, numbers))


def _check_annotation(place: str, annotation: str, sp_type: str, accession: str) -> None:
    letter = ANNOTATION_LETTER[sp_type]
    letters = f"{letter or ''}IMO{UNKNOWN_TOPOLOGY}"
    foreign = next((i for i, c in enumerate(annotation) if c not in letters), None)
    if foreign is not None:
        raise RecordError(
            f"{place}: expected only {', '.join(letters)} in the annotation of {sp_type}, "
            f"found {annotation[foreign]!r} at position {foreign + 1} ({accession})"
        )
    if letter is None:
        return
    rest = annotation.lstrip(letter)
    if len(rest) == len(annotation):
        raise RecordError(
            f"{place}: expected the annotation of {sp_type} to begin with {letter!r}, "
            f"found {annotation[0]!r} ({accession})"
        )
    if letter in rest:
        position = annotation.index(letter, len(annotation) - len(rest)) + 1
        raise RecordError(
            f"{place}: expected one stretch of {letter!r} at the start, "
            f"found another at position {position} ({accession})"
        )


def _check_lipid_cysteine(
    place: str, residues: str, annotation: str, sp_type: str, accession: str
) -> None:
    expected = RESIDUES_OF_STATE.get(STATE_INDEX.get(f"{sp_type}_C1", -1))
    if expected is None:
        return
    cut = len(annotation) - len(annotation.lstrip(annotation[0]))
    found = residues[cut : cut + 1]
    if found and found not in f"{expected}X":
        raise RecordError(
            f"{place}: expected {expected} behind the cut of {sp_type}, at position {cut + 1}, "
            f"found {found} ({accession})"
        )
