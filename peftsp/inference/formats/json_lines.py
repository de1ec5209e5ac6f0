"""JSON lines: everything that is known of a protein, its residues' region probabilities too."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts
from peftsp.labels import RESIDUE_REGIONS, SP_TYPES
from peftsp.records import Prediction

_FILE = "predictions.jsonl"


def as_json(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON-compatible values."""
    rows = prediction.region_probabilities or ()
    return {
        "id": prediction.identifier,
        "header": prediction.header,
        "length": len(prediction.residues),
        "sp_type": prediction.sp_type,
        "probabilities": dict(zip(SP_TYPES, prediction.probabilities, strict=True)),
        "cleavage_site": prediction.cleavage_site,
        "cleavage_site_probability": prediction.cleavage_site_probability,
        "regions": [asdict(region) for region in prediction.regions],
        "motifs": [asdict(motif) for motif in prediction.motifs],
        "residues": prediction.residues[: len(rows)],
        "region_probabilities": {
            name: [row[index] for row in rows] for index, name in enumerate(RESIDUE_REGIONS)
        },
        "note": prediction.note,
    }


def _write(read: Read, folder: Path, facts: RunFacts) -> None:  # noqa: ARG001
    with (folder / _FILE).open("w", encoding="utf-8", newline="\n") as file:
        for prediction in read():
            file.write(json.dumps(as_json(prediction), ensure_ascii=False, allow_nan=False) + "\n")


JSON_LINES = OutputFormat(
    "jsonl",
    "one JSON object a protein, with the probability of each region at each residue",
    _write,
    (_FILE,),
    needs_region_probabilities=True,
)
