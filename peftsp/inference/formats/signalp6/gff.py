"""``output.gff3``, signal peptides, and ``region_output.gff3``, their regions and motifs.

Neither is GFF3 to the letter: the first column is the whole header and not encoded, types and notes
are SignalP's own. `peftsp.inference.formats.gff3` keeps to the specification.
"""

from __future__ import annotations

from peftsp.inference.formats.signalp6.entry import cut_of, name_of
from peftsp.records import Prediction

HEADING = "## gff-version 3\n"

_NOTES = {"TAT": "Note=TAT", "TATLIPO": "Note=TAT", "PILIN": "Note=Pilin"}
STRETCHES = {
    "n": "n-region",
    "h": "h-region",
    "c": "c-region",
    "twin_arginine": "twin-arginine motif",
    "lipid_cysteine": "lipid-modified cysteine",
}
"""What the set calls regions and motifs."""


def peptide_line(prediction: Prediction) -> str:
    """Line of a protein's signal peptide, with line end; empty where there is no cut."""
    cut = cut_of(prediction)
    if cut is None:
        return ""
    is_lipoprotein = prediction.sp_type in ("LIPO", "TATLIPO")
    kind = "lipoprotein_signal_peptide" if is_lipoprotein else "signal_peptide"
    note = _NOTES.get(prediction.sp_type, ".")
    return _line(prediction, kind, 1, cut[0], f"{prediction.probability:.7f}", note)


def region_lines(prediction: Prediction) -> str:
    """Lines of its regions and motifs by their start, a motif after the region it lies in."""
    if cut_of(prediction) is None:
        return ""
    stretches = sorted((*prediction.regions, *prediction.motifs), key=lambda found: found.start)
    return "".join(
        _line(prediction, STRETCHES[found.name], found.start, found.end, ".", ".")
        for found in stretches
    )


def _line(prediction: Prediction, kind: str, start: int, end: int, score: str, note: str) -> str:
    name = name_of(prediction)
    columns = (name, "SignalP-6.0", kind, str(start), str(end), score, ".", ".", note)
    return "\t".join(columns) + "\n"
