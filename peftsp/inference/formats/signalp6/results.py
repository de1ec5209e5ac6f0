"""``prediction_results.txt``, a table, and ``processed_entries.fasta``, mature sequences."""

from __future__ import annotations

from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.signalp6.entry import cut_of, is_eukaryotic, likelihoods, name_of
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.records import Prediction

_COLUMNS = (
    *("OTHER", "SP(Sec/SPI)", "LIPO(Sec/SPII)", "TAT(Tat/SPI)"),
    *("TATLIPO(Tat/SPII)", "PILIN(Sec/SPIII)"),
)


def heading(facts: RunFacts) -> str:
    """The two comment lines above the table, with line ends."""
    is_eukarya = is_eukaryotic(facts.organism)
    organism = "Eukarya" if is_eukarya else "Other"
    columns = ("# ID", "Prediction", *_COLUMNS[: 2 if is_eukarya else None], "CS Position")
    return (
        f"# SignalP-6.0\tOrganism: {organism}\tTimestamp: {facts.finished:%Y%m%d%H%M%S}\n"
        + "\t".join(columns)
        + "\n"
    )


def row(prediction: Prediction, organism: str) -> str:
    r"""The table's line for a protein, with line end.

    >>> row(Prediction("P1", "SP", (0.25, 0.75, 0, 0, 0, 0), 20, 0.98889, ()), "eukarya")
    'P1\tSP\t0.250000\t0.750000\tCS pos: 20-21. Pr: 0.9889\n'
    """
    cut = cut_of(prediction)
    cells = (
        name_of(prediction),
        "OTHER" if prediction.sp_type == SP_TYPES[NO_SP] else prediction.sp_type,
        *(f"{probability:.6f}" for probability in likelihoods(prediction, organism)),
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
