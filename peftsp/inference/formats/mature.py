"""Mature proteins: what is left behind the cleavage site."""

from __future__ import annotations

from pathlib import Path

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts, in_one_line

_FILE = "mature.fasta"


def _write(read: Read, folder: Path, facts: RunFacts) -> None:  # noqa: ARG001
    with (folder / _FILE).open("w", encoding="utf-8", newline="\n") as file:
        for prediction in read():
            if prediction.cleavage_site is not None:
                mature = prediction.residues[prediction.cleavage_site :]
                file.write(f">{in_one_line(prediction.header)}\n{mature}\n")


FASTA = OutputFormat(
    "fasta", "mature sequences of the proteins with a cleavage site", _write, (_FILE,)
)
