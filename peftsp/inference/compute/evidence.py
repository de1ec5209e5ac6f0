"""How much of an answer a sequence permits: fragments, short and masked sequences."""

from __future__ import annotations

from dataclasses import replace

from peftsp.labels import MAX_RESIDUES, NO_SP, SP_TYPES
from peftsp.records import Prediction

ENOUGH_RESIDUES = 40
"""Known residues of which a model has seen so many examples that its probabilities mean something;
of proteins cut off before, ever more look like signal peptides."""

N_TERMINUS = 30
ENOUGH_AT_N_TERMINUS = 20
UNKNOWN = ("X", "J")
FEW_RESIDUES = "too few known residues"
ENDS_INSIDE = "ends within the signal peptide"


def known_share(residues: str) -> float:
    """Share of the known residues that an answer needs: in all, and where signal peptides are.

    >>> known_share("M" + 19 * "X" + 60 * "K"), known_share(25 * "M" + "XJ")
    (0.55, 0.625)
    """
    return min(
        1.0,
        _known(residues[:MAX_RESIDUES]) / ENOUGH_RESIDUES,
        _known(residues[:N_TERMINUS]) / ENOUGH_AT_N_TERMINUS,
    )


def _known(residues: str) -> int:
    return len(residues) - sum(map(residues.count, UNKNOWN))


def judge(prediction: Prediction, end_inside: float, sums_types: bool) -> Prediction:
    """Say what the sequence lacks, and claim no more than it permits.

    Probabilities of a sequence with too few known residues are drawn towards even odds of a signal
    peptide, by the share that is missing; at even odds NO_SP is called. A sequence that is more
    likely to end within its signal peptide than behind it has no cleavage site, nor the regions
    of a path that had to be cut.

    Args:
        prediction: As the model has it.
        end_inside: Probability that the sequence ends within its signal peptide.
        sums_types: Whether SP stands for signal peptides of all types.
    """
    caveats = []
    share = known_share(prediction.residues)
    if share < 1:
        caveats.append(FEW_RESIDUES)
        prediction = _weakened(prediction, share, 1 if sums_types else len(SP_TYPES) - 1)
    if end_inside > 0.5 and prediction.sp_type != SP_TYPES[NO_SP]:
        caveats.append(ENDS_INSIDE)
        prediction = without_cut(prediction)
    return replace(prediction, caveats=tuple(caveats)) if caveats else prediction


def without_cut(prediction: Prediction) -> Prediction:
    """The prediction without a cleavage site, and without the regions around it."""
    return replace(
        prediction,
        cleavage_site=None,
        cleavage_site_probability=None,
        regions=(),
        motifs=(),
    )


def _weakened(prediction: Prediction, share: float, types: int) -> Prediction:
    even = [0.5, *[0.5 / types] * types, *[0.0] * (len(SP_TYPES) - 1 - types)]
    mixed = tuple(
        share * of_model + (1 - share) * of_chance
        for of_model, of_chance in zip(prediction.probabilities, even, strict=True)
    )
    certainty = prediction.cleavage_site_probability
    return replace(
        prediction,
        sp_type=SP_TYPES[mixed.index(max(mixed))],
        probabilities=mixed,
        cleavage_site_probability=None if certainty is None else share * certainty,
    )
