"""The files of DeepSig in its layout, for programs that read those: GFF3 and JSON.

A GFF3 row has nine columns and there is no comment, as readers split every line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from peftsp.records import Prediction

_EVIDENCE = "ECO:0000256"


def write_gff3(predictions: Iterable[Prediction], file: TextIO) -> None:
    """Rows ``Signal peptide``, where there is one, and ``Chain``, where something is left."""
    for prediction in predictions:
        for kind, start, end, score in _stretches(prediction):
            shown = "." if score is None else f"{score:.2f}"
            columns = (
                *(prediction.identifier, "DeepSig", _TITLES[kind], str(start), str(end), shown),
                *(".", ".", f"evidence={_EVIDENCE}"),
            )
            file.write("\t".join(columns) + "\n")


def write_json(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A list with an object a protein, features as UniProt names them."""
    file.write("[")
    for index, prediction in enumerate(predictions):
        file.write((",\n" if index else "\n") + json.dumps(_entry(prediction), allow_nan=False))
    file.write("\n]\n")


WRITERS: dict[str, Callable[[Iterable[Prediction], TextIO], None]] = {
    "gff3": write_gff3,
    "json": write_json,
}
_TITLES = {"SIGNAL": "Signal peptide", "CHAIN": "Chain"}


def _entry(prediction: Prediction) -> dict[str, Any]:
    return {
        "accession": prediction.identifier,
        "sequence": {"length": len(prediction.residues), "sequence": prediction.residues},
        "features": [
            {
                "type": kind,
                "category": "MOLECULE_PROCESSING",
                "begin": start,
                "end": end,
                "score": None if score is None else round(score, 2),
                "evidences": [{"code": _EVIDENCE}],
            }
            for kind, start, end, score in _stretches(prediction)
        ],
    }


def _stretches(prediction: Prediction) -> list[tuple[str, int, int, float | None]]:
    site, length = prediction.cleavage_site or 0, len(prediction.residues)
    found: list[tuple[str, int, int, float | None]] = []
    if site:
        found.append(("SIGNAL", 1, site, prediction.probability))
    if site < length:
        found.append(("CHAIN", site + 1, length, None))
    return found
