"""Sequences in, predictions out: frozen values that every part of the package passes around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from peftsp.errors import ConfigError
from peftsp.labels import SP_TYPES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SURE_SITE = 0.5
"""A cleavage site that is less probable than this is unsure: the cut is more likely elsewhere."""

UNSURE_SITE = "unsure cleavage site"


def identifier_of(header: str) -> str:
    """First word of a FASTA header, as its readers take it; empty where there is none.

    >>> identifier_of("sp|P0A855|TOLB_ECOLI Protein TolB"), identifier_of(" ")
    ('sp|P0A855|TOLB_ECOLI', '')
    """
    return next(iter(header.split()), "")


@dataclass(frozen=True, slots=True)
class SequenceRecord:
    """One protein of a FASTA file.

    Attributes:
        header: The header line without ``>``.
        residues: The whole sequence, upper case, no gaps and no stop sign.
    """

    header: str
    residues: str

    @property
    def identifier(self) -> str:
        """See `identifier_of`."""
        return identifier_of(self.header)


@dataclass(frozen=True, slots=True)
class LabelledRecord:
    """One protein with known signal peptide, from a 3-line file.

    Attributes:
        accession: Name of the protein.
        kingdom: One of `peftsp.labels.KINGDOM_LABELS`.
        sp_type: One of `peftsp.labels.SP_TYPES`.
        partition: Homology partition; proteins of different partitions are dissimilar. -1 of a
            protein that belongs to none.
        residues: At most `peftsp.labels.MAX_RESIDUES` N-terminal residues, upper case.
        annotation: One letter a residue: S, L, T or P signal peptide, I inside, M membrane,
            O outside, U not known which of these.
        near: Partitions with homologs of a protein that belongs to none; empty for others.
    """

    accession: str
    kingdom: str
    sp_type: str
    partition: int
    residues: str
    annotation: str
    near: tuple[int, ...] = ()

    @property
    def partition_field(self) -> str:
        """The partition as a header has it, or those with homologs, joined by ``+``.

        >>> LabelledRecord("P1", "EUKARYA", "NO_SP", -1, "MKL", "UUU", (0, 2)).partition_field
        '0+2'
        """
        return "+".join(map(str, self.near)) or str(self.partition)


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of residues with a name.

    Attributes:
        name: ``n``, ``h`` or ``c`` for a region of a signal peptide; ``twin_arginine`` or
            ``lipid_cysteine`` for a motif.
        start: Position of the first residue, 1-based.
        end: Position of the last residue, 1-based, included.
    """

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one protein.

    Attributes:
        header: The header line of the input record.
        sp_type: The most probable SP type.
        probabilities: Probability of each of `peftsp.labels.SP_TYPES`, in that order.
        cleavage_site: Number of residues before the cut, that is the 1-based position of the last
            residue of the signal peptide; None where there is none.
        cleavage_site_probability: Probability that a peptide of this type is cut just there.
        regions: The regions of the signal peptide from the N-terminus on.
        residues: The whole sequence.
        motifs: The twin-arginine motif of a TAT peptide and the cysteine behind the cut of a
            lipoprotein, which becomes the first residue of the mature protein.
        region_probabilities: For each residue that the model looked at the probability of each of
            `peftsp.labels.RESIDUE_REGIONS`, in that order; rows sum to one. None if not asked for.
        peptide_regions: For each residue that the model looked at the probability of each of
            `peftsp.labels.PEPTIDE_REGIONS`, in that order. None if not asked for.
        caveats: What the sequence itself lacks for a sure answer, in a few words each.
    """

    header: str
    sp_type: str
    probabilities: tuple[float, ...]
    cleavage_site: int | None
    cleavage_site_probability: float | None
    regions: tuple[Region, ...]
    residues: str = ""
    motifs: tuple[Region, ...] = ()
    region_probabilities: tuple[tuple[float, ...], ...] | None = None
    caveats: tuple[str, ...] = ()
    peptide_regions: tuple[tuple[float, ...], ...] | None = None

    @property
    def identifier(self) -> str:
        """See `identifier_of`."""
        return identifier_of(self.header)

    @property
    def description(self) -> str:
        """The header behind its first word.

        >>> Prediction("P1  a protein", "SP", (), None, None, ()).description
        'a protein'
        """
        return self.header.strip()[len(self.identifier) :].strip()

    @property
    def probability(self) -> float:
        """Probability of the type that the protein is said to have."""
        return self.probabilities[SP_TYPES.index(self.sp_type)]

    def region_array(self) -> NDArray[np.float32]:
        """`region_probabilities` as an array.

        Returns:
            float32, ``(L, 8)``: a row for each residue that the model looked at, a column for each
            of `peftsp.labels.RESIDUE_REGIONS`.

        Raises:
            ConfigError: They were not asked for.
        """
        import numpy as np

        if self.region_probabilities is None:
            raise ConfigError(
                "region_array: expected a prediction with has_region_probabilities=True, found one "
                "without"
            )
        return np.array(self.region_probabilities, dtype=np.float32)

    @property
    def has_unsure_site(self) -> bool:
        """Whether there is a cleavage site, but one less probable than `SURE_SITE`."""
        certainty = self.cleavage_site_probability
        return certainty is not None and certainty < SURE_SITE

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before one relies on the prediction, in a few words each."""
        return (*self.caveats, *([UNSURE_SITE] if self.has_unsure_site else []))

    @property
    def note(self) -> str | None:
        """The same in one text; None if there is nothing."""
        return "; ".join(self.notes) or None
