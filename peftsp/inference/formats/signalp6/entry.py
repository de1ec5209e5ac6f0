"""What the files of the set say alike of one protein."""

from __future__ import annotations

from peftsp.inference.organism import EUKARYA
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.records import Prediction

_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029", " "))


def name_of(prediction: Prediction) -> str:
    r"""The whole header; what would break a column or a line becomes a space.

    >>> name_of(Prediction("P1\tfirst", "SP", (), None, None, ()))
    'P1 first'
    """
    return prediction.header.translate(_BREAKS)


def cut_of(prediction: Prediction) -> tuple[int, float] | None:
    """Cleavage site and its probability; None unless there are both a type and a site."""
    if prediction.cleavage_site is None or prediction.sp_type == SP_TYPES[NO_SP]:
        return None
    return prediction.cleavage_site, prediction.cleavage_site_probability or 0.0


def is_eukaryotic(organism: str) -> bool:
    """Whether the set has the two columns of eukaryotes instead of one for each type."""
    return organism == EUKARYA


def likelihoods(prediction: Prediction, organism: str) -> tuple[float, ...]:
    """Probability of each type that the set tells apart.

    Args:
        prediction: Of which protein.
        organism: One of `peftsp.inference.organism.ORGANISMS`.

    Returns:
        Six probabilities in the order of `peftsp.labels.SP_TYPES`; for eukaryotes two: none, any.

    >>> likelihoods(Prediction("P1", "SP", (0.25, 0.5, 0.25, 0, 0, 0), 2, 1.0, ()), "eukarya")
    (0.25, 0.75)
    """
    if is_eukaryotic(organism):
        return prediction.probabilities[0], sum(prediction.probabilities[1:])
    return prediction.probabilities
