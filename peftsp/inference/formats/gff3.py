"""GFF3: signal peptides with their regions and the mature chain, as features of a protein.

https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md, version 1.26: nine
columns, closed intervals that count from 1, reserved characters percent-encoded, types of the
Sequence Ontology.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts
from peftsp.records import Prediction, Region

TYPES_IN_PEPTIDE = {
    "n": "n_terminal_region",
    "h": "central_hydrophobic_region_of_signal_peptide",
    "c": "c_terminal_region",
    "twin_arginine": "polypeptide_motif",
}
"""Feature types of regions and motifs in what is cut off, by their names."""
TYPES_IN_CHAIN = {
    "h": "hydrophobic_region_of_peptide",
    "lipid_cysteine": "post_translationally_modified_region",
}
"""Of those in what stays, as the hydrophobic region of a pilin when its leader is cut off."""

_FILE = "predictions.gff3"
_IN_SEQUENCE_ID = ".:^*$@!+_?-|"


def sequence_id(prediction: Prediction) -> str:
    """The identifier as the first column takes it.

    >>> sequence_id(Prediction("sp|P1~2=x", "NO_SP", (), None, None, ()))
    'sp|P1%7E2%3Dx'
    """
    # `quote` takes the tilde for safe whatever it is told.
    return quote(prediction.identifier, safe=_IN_SEQUENCE_ID).replace("~", "%7E")


def features(prediction: Prediction, number: int) -> Iterator[str]:
    """Lines of one protein with a cleavage site, without line ends.

    Args:
        prediction: Has a cleavage site.
        number: Makes the features' identifiers unique in the file.
    """
    site, length = prediction.cleavage_site, len(prediction.residues)
    assert site is not None
    sequence = sequence_id(prediction)
    probability = prediction.probability
    certainty = prediction.cleavage_site_probability or 0.0
    peptide, chain = f"signal_peptide_{number}", f"mature_{number}"

    def line(kind: str, start: int, end: int, score: str, attributes: str) -> str:
        columns = (sequence, "peftsp", kind, str(start), str(end), score, ".", ".", attributes)
        return "\t".join(columns)

    facts = f"ID={peptide};sp_type={prediction.sp_type};cleavage_site_probability={certainty:.4f}"
    if prediction.notes:
        facts += f";Note={','.join(prediction.notes)}"
    yield line("signal_peptide", 1, site, f"{probability:.6f}", facts)
    stretches: list[Region] = sorted(
        (*prediction.regions, *prediction.motifs), key=lambda stretch: stretch.start
    )
    for stretch in stretches:
        is_cut_off = stretch.end <= site
        attributes = (
            f"Parent={peptide if is_cut_off else chain};Note={stretch.name.replace('_', ' ')}"
        )
        kinds = TYPES_IN_PEPTIDE if is_cut_off else TYPES_IN_CHAIN
        yield line(kinds[stretch.name], stretch.start, stretch.end, ".", attributes)
    if site < length:
        yield line("mature_protein_region", site + 1, length, ".", f"ID={chain}")


def _write(read: Read, folder: Path, facts: RunFacts) -> None:  # noqa: ARG001
    with (folder / _FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.write("##gff-version 3\n")
        # A region is named once; of proteins with one name it is the longest.
        lengths: dict[int, int] = {}
        for prediction in read():
            if prediction.cleavage_site is not None:
                sequence = hash(sequence_id(prediction))
                lengths[sequence] = max(len(prediction.residues), lengths.get(sequence, 0))
        for number, prediction in enumerate(read(), start=1):
            if prediction.cleavage_site is not None:
                name = sequence_id(prediction)
                if length := lengths.pop(hash(name), 0):
                    file.write(f"##sequence-region {name} 1 {length}\n")
                file.writelines(line + "\n" for line in features(prediction, number))


GFF3 = OutputFormat("gff3", "signal peptides, their regions and mature chains", _write, (_FILE,))
