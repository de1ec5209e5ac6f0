"""What models find in a batch, whichever library computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from peftsp.inference.compute.options import Options

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Results(NamedTuple):
    """What models find in a batch.

    Attributes:
        probabilities: Of each type, float32, ``(B, K)``.
        sp_types: The most probable one, int64, ``(B,)``.
        paths: State of each residue, int64, ``(B, L)``, -1 at padding.
        cleavage_sites: Residues before the cut, int64, ``(B,)``, -1 for none.
        site_probabilities: Of a cut just there, given the type, float32, ``(B,)``.
        ends_inside: Probability that the sequence ends within its signal peptide, float32,
            ``(B,)``; zero for those whose end is not seen.
        regions: Region probabilities, float32, ``(B, L, 8)``, if asked for.
        peptide_regions: Those by SP type, float32, ``(B, L, 18)``, if asked for.
    """

    probabilities: Floats
    sp_types: Integers
    paths: Integers
    cleavage_sites: Integers
    site_probabilities: Floats
    ends_inside: Floats
    regions: Floats | None
    peptide_regions: Floats | None


class Models(Protocol):
    """One model, or several as one."""

    def find_results(self, sequences: Sequence[Sequence[int]], options: Options) -> Results:
        """What they find in proteins.

        Args:
            sequences: Tokens of each protein, with ``<cls>`` and ``<eos>``.
            options: What is told to them and asked of them.

        Raises:
            CheckpointError: A score is no finite number.
            MemoryError: There is too little memory for so many proteins at a time.
        """
