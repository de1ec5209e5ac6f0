"""The table, the mature sequences and the two feature files, and what all files say of a protein.

``output.gff3`` and ``region_output.gff3`` are no GFF3 to the letter: the first column is the whole
header and not encoded, types and notes are SignalP's own. `peftsp.inference.formats.gff3` keeps to
the specification.
"""

from __future__ import annotations

from peftsp.inference.compute.options import sums_types
from peftsp.inference.formats.base import RunFacts, in_one_line
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.records import Prediction

GFF_HEADING = "## gff-version 3\n"

COLUMNS = (
    *("OTHER", "SP(Sec/SPI)", "LIPO(Sec/SPII)", "TAT(Tat/SPI)"),
    *("TATLIPO(Tat/SPII)", "PILIN(Sec/SPIII)"),
)
_NOTES = {"TAT": "Note=TAT", "TATLIPO": "Note=TAT", "PILIN": "Note=Pilin"}
STRETCHES = {
    "n": "n-region",
    "h": "h-region",
    "c": "c-region",
    "twin_arginine": "twin-arginine motif",
    "lipid_cysteine": "lipid-modified cysteine",
}
"""What the set calls regions and motifs."""


def name_of(prediction: Prediction) -> str:
    r"""The whole header; what would break a column or a line becomes a space.

    >>> name_of(Prediction("P1\tfirst", "SP", (), None, None, ()))
    'P1 first'
    """
    return in_one_line(prediction.header)


def cut_of(prediction: Prediction) -> tuple[int, float] | None:
    """Cleavage site and its probability; None unless there are both a type and a site."""
    if prediction.cleavage_site is None or prediction.sp_type == SP_TYPES[NO_SP]:
        return None
    return prediction.cleavage_site, prediction.cleavage_site_probability or 0.0


def likelihoods(prediction: Prediction, kingdom: str) -> tuple[float, ...]:
    """Probability of each type that the set tells apart.

    Args:
        prediction: Of which protein.
        kingdom: One of `peftsp.inference.compute.options.KINGDOM_NAMES`.

    Returns:
        Six probabilities in the order of `peftsp.labels.SP_TYPES`; for eukaryotes two: none, any.

    >>> likelihoods(Prediction("P1", "SP", (0.25, 0.5, 0.25, 0, 0, 0), 2, 1.0, ()), "eukarya")
    (0.25, 0.75)
    """
    if sums_types(kingdom):
        return prediction.probabilities[0], sum(prediction.probabilities[1:])
    return prediction.probabilities


def table_heading(facts: RunFacts) -> str:
    """The two comment lines above the table, with line ends."""
    is_eukarya = sums_types(facts.kingdom)
    kingdom = "Eukarya" if is_eukarya else "Other"
    columns = ("# ID", "Prediction", *COLUMNS[: 2 if is_eukarya else None], "CS Position")
    return (
        f"# SignalP-6.0\tOrganism: {kingdom}\tTimestamp: {facts.finished:%Y%m%d%H%M%S}\n"
        + "\t".join(columns)
        + "\n"
    )


def row(prediction: Prediction, kingdom: str) -> str:
    r"""The table's line for a protein, with line end.

    >>> row(Prediction("P1", "SP", (0.25, 0.75, 0, 0, 0, 0), 20, 0.98889, ()), "eukarya")
    'P1\tSP\t0.250000\t0.750000\tCS pos: 20-21. Pr: 0.9889\n'
    """
    cut = cut_of(prediction)
    cells = (
        name_of(prediction),
        "OTHER" if prediction.sp_type == SP_TYPES[NO_SP] else prediction.sp_type,
        *(f"{probability:.6f}" for probability in likelihoods(prediction, kingdom)),
        f"CS pos: {cut[0]}-{cut[0] + 1}. Pr: {cut[1]:.4f}" if cut else "",
    )
    return "\t".join(cells) + "\n"


def mature_record(prediction: Prediction) -> str:
    r"""FASTA record of what is left behind the cut; empty where nothing is cut off or left.

    >>> mature_record(Prediction("P1", "SP", (0, 1.0, 0, 0, 0, 0), 2, 1.0, (), "MKLAA"))
    '>P1\nLAA\n'
    """
    cut = cut_of(prediction)
    mature = prediction.residues[cut[0] :] if cut else ""
    return f">{name_of(prediction)}\n{mature}\n" if mature else ""


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
