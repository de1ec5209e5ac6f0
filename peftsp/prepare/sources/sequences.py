"""FASTA, and the 3-line format."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from peftsp.data.fasta import WrongRecord, read_entries
from peftsp.data.labelled import read_labelled
from peftsp.data.lines import numbered_lines
from peftsp.data.regions import cleavage_site
from peftsp.errors import RecordError
from peftsp.prepare.entry import Entry, Label, Unusable


def read_sequences(path: Path) -> Iterator[Entry | Unusable]:
    """Sequences of a FASTA file, whose labels another source has."""
    for number, record in enumerate(read_entries(path), start=1):
        if isinstance(record, WrongRecord):
            yield Unusable(f"{path}:{record.line}", record.identifier, record.reason)
        else:
            place = f"{path}: entry {number}"
            yield Entry(place, record.identifier, record.residues, has_labels=False)


def read_three_lines(path: Path) -> Iterator[Entry | Unusable]:
    """Records of a 3-line file, those that are wrong each with its reason."""
    lines = [(n, line) for n, line in numbered_lines(path, str(path)) if line.strip()]
    starts = [i for i, (_, line) in enumerate(lines) if line.startswith(">")]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        number, header = lines[start]
        text = "\n".join(line for _, line in lines[start:stop])
        try:
            [record] = read_labelled(io.StringIO(text), "record")
        except RecordError as error:
            accession = header[1:].split("|")[0]
            yield Unusable(f"{path}:{number}", accession, str(error))
            continue
        except ValueError:
            yield Unusable(f"{path}:{number}", header[1:], "expected three lines, found more")
            continue
        site = cleavage_site(record)
        yield Entry(
            f"{path}:{number}",
            record.accession,
            record.residues,
            kingdom=record.kingdom,
            label=Label(record.sp_type, site),
            topology="U" * (site or 0) + record.annotation[site or 0 :],
            partition=record.partition,
        )
