"""Prediction from Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.data.fasta import read_fasta
from peftsp.data.residues import find_foreign
from peftsp.errors import ConfigError, RecordError
from peftsp.inference.device import find_device, fitting_batch_size
from peftsp.inference.formats.table import COLUMNS, cells
from peftsp.inference.models import load_models
from peftsp.inference.organism import ANY, ORGANISMS, kingdom_of, sums_types
from peftsp.inference.pipeline import Options, predict_records
from peftsp.inference.precision import find_precision
from peftsp.model.bundle import DEFAULT_BUNDLE
from peftsp.records import Prediction, SequenceRecord

if TYPE_CHECKING:
    import pandas as pd

Proteins = str | PathLike[str] | Iterable[SequenceRecord | tuple[str, str]]
"""Path of a FASTA file, or records, or pairs of a name and a sequence."""


def predict(
    proteins: Proteins,
    *,
    bundle: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    organism: str = ANY,
    min_probability: float = 0.0,
    has_region_probabilities: bool = False,
    precision: str = "auto",
    device: str = "auto",
    batch_size: int | None = None,
    backbone: str | None = None,
) -> Iterator[Prediction]:
    """Predict signal peptides, one protein at a time, in their order.

    Args:
        proteins: Path of a FASTA file (a ``str`` is always a path), `SequenceRecord` objects, or
            pairs ``(name, residues)``.
        bundle: Folder of a trained model, or several that are averaged; by default the model that
            ships with peftsp.
        organism: ``other`` (not known or mixed), ``eukarya``, ``positive``, ``negative`` or
            ``archaea``; ``eukarya`` counts every signal peptide as SP.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        has_region_probabilities: Give each residue's region probabilities too.
        precision: ``auto``, ``fp32``, ``bf16`` or ``int8``; see
            `peftsp.inference.precision.find_precision`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        batch_size: Proteins at a time; by default what fits the device.
        backbone: Where the ESM-2 weights lie, if not where the bundle says.

    Raises:
        PeftspError: A setting, the bundle or a protein is wrong; the latter when it is reached.

    Example:
        >>> insulin = ("insulin", "MALWMRLLPLLALLALWGPDPAAAFVNQHLCGSHLVEALYLVCGERGFFYTPKT")
        >>> [found] = predict([insulin])
        >>> found.sp_type
        'SP'
    """
    if organism not in ORGANISMS:
        raise ConfigError(f"organism: expected one of {', '.join(ORGANISMS)}, found {organism!r}")
    chosen = [bundle] if isinstance(bundle, str | PathLike) else list(bundle)
    target = find_device(device)
    options = Options(
        kingdom=kingdom_of(organism),
        sums_types=sums_types(organism),
        min_probability=min_probability,
        has_region_probabilities=has_region_probabilities,
        precision=find_precision(precision, target),
    )
    bundles = [Path(folder) for folder in chosen or [DEFAULT_BUNDLE]]
    taggers = load_models(bundles, target, backbone, options.precision)
    width = max(tagger.backbone.spec.width for tagger in taggers)
    size = fitting_batch_size(target, width) if batch_size is None else batch_size
    return predict_records(_records(proteins), taggers, size, target, options)


def to_frame(predictions: Iterable[Prediction]) -> pd.DataFrame:
    """Predictions as a pandas data frame with the columns of ``predictions.csv``."""
    import pandas as pd

    return pd.DataFrame(map(cells, predictions), columns=list(COLUMNS))


def _records(proteins: Proteins) -> Iterator[SequenceRecord]:
    if isinstance(proteins, str | PathLike):
        yield from read_fasta(proteins)
        return
    for number, protein in enumerate(proteins, start=1):
        header, residues = (
            (protein.header, protein.residues) if isinstance(protein, SequenceRecord) else protein
        )
        if not header.strip() or not residues:
            raise RecordError(f"protein {number}: expected a name and residues, found none")
        column = find_foreign(residues)
        if column is not None:
            raise RecordError(
                f"protein {number}: expected residues A to Z, found {residues[column]!r} in "
                f"position {column + 1} ({header})"
            )
        yield SequenceRecord(header, residues.upper())
