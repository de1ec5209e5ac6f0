"""Prediction from Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from peftsp.data.fasta import MOST_RESIDUES, read_fasta
from peftsp.data.nucleotides import proteins_alone
from peftsp.data.residues import find_foreign
from peftsp.errors import ConfigError, RecordError
from peftsp.inference.compute.options import ModelSettings, check_count, chosen_bundles
from peftsp.inference.compute.predictor import Predictor
from peftsp.inference.formats.notebook import shown
from peftsp.inference.formats.table import COLUMNS, POSITIONS, cells
from peftsp.labels import MAX_RESIDUES
from peftsp.records import Prediction, SequenceRecord

if TYPE_CHECKING:
    import pandas as pd

Proteins = str | PathLike[str] | Mapping[str, str] | Iterable[Any]
"""Path of a FASTA file; sequences by name; or any of records (`SequenceRecord`, Biopython's
``SeqRecord``), pairs of a name and residues, residues alone, `pathlib.Path` of FASTA files."""


def predict(
    proteins: Proteins,
    *,
    model: str | None = None,
    bundle: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    kingdom: str = ModelSettings.kingdom,
    min_probability: float = ModelSettings.min_probability,
    has_region_probabilities: bool = False,
    precision: str = ModelSettings.precision,
    device: str = ModelSettings.device,
    batch_size: int | None = None,
    backbone: str | None = None,
    allow_code: Sequence[str] = (),
    runtime: str = ModelSettings.runtime,
    threads: int | None = None,
) -> Iterator[Prediction]:
    """Predict signal peptides, one protein at a time, in their order.

    A prediction shows its picture in a notebook; `Prediction.region_array` gives its region
    probabilities as an array if they were asked for. What is not given is as in `ModelSettings`.

    Args:
        proteins: See `Proteins`; a ``str`` by itself is a path, one in a list is residues.
        model: Name of a model that ships with peftsp, see `peftsp.model.shipped.SHIPPED`.
        bundle: Folder of a trained model, or ``hf://owner/name``, or several that are averaged,
            instead.
        kingdom: ``other`` (not known or mixed), ``eukarya``, ``positive``, ``negative`` or
            ``archaea``; ``eukarya`` counts every signal peptide as SP.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        has_region_probabilities: Give each residue's region probabilities too.
        precision: ``auto``, ``fp32``, ``bf16`` or ``int8``; see
            `peftsp.inference.compute.precision.find_precision`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        batch_size: Proteins at a time; by default what fits the device.
        backbone: Where the ESM-2 weights lie, if not where the bundle says.
        allow_code: Packages whose code may be imported for a bundle whose PEFT method is not one
            of peftsp's own.
        runtime: ``onnx`` or ``torch``; ``auto`` is ONNX Runtime where a bundle has its graph with
            it, as those that ship, and a processor computes in float32.
        threads: CPU threads; by default one for each processor that this process may use.

    Raises:
        PeftspError: A setting, the bundle or a protein is wrong; the latter when it is reached.

    Example:
        >>> insulin = ("insulin", "MALWMRLLPLLALLALWGPDPAAAFVNQHLCGSHLVEALYLVCGERGFFYTPKT")
        >>> [found] = predict([insulin])
        >>> found.sp_type
        'SP'
    """
    bundles = [bundle] if isinstance(bundle, str | PathLike) else list(bundle or ())
    settings = ModelSettings(
        bundles=chosen_bundles(model, bundles),
        backbone=backbone,
        allow_code=tuple(allow_code),
        kingdom=kingdom,
        min_probability=min_probability,
        precision=precision,
        device=device,
        batch_size=batch_size,
        runtime=runtime,
    )
    check_count("threads", threads)
    predictor = Predictor(settings, threads, has_region_probabilities=has_region_probabilities)
    predictor.load()
    name = str(proteins) if isinstance(proteins, str | PathLike) else "proteins"
    return shown(predictor.predict(proteins_alone(_records(proteins), name)))


def to_frame(predictions: Iterable[Prediction]) -> pd.DataFrame:
    """Predictions as a pandas data frame with the columns of ``predictions.csv``.

    Raises:
        ConfigError: The package pandas is missing.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError(
            "to_frame: expected the package pandas, found none; pip install 'pandas>=2'"
        ) from error

    frame = pd.DataFrame(map(cells, predictions), columns=list(COLUMNS))
    # Positions that may be missing would be floating-point numbers.
    return frame.astype(dict.fromkeys(POSITIONS, "Int64"))


def _records(proteins: Proteins) -> Iterator[SequenceRecord]:
    if isinstance(proteins, str | PathLike):
        yield from _of_file(proteins)
        return
    listed = proteins.items() if isinstance(proteins, Mapping) else proteins
    # Biopython's record by itself would be a list of letters.
    if isinstance(proteins, SequenceRecord) or hasattr(proteins, "seq"):
        listed = [proteins]
    # Of a table the names of its columns would be listed.
    if not isinstance(listed, Iterable) or hasattr(listed, "iloc"):
        kind = type(listed).__name__
        raise RecordError(
            f"proteins: expected a path, a list or another iterable of "
            f"names and residues, as zip(table.id, table.sequence), found {kind}"
        )
    for number, protein in enumerate(listed, start=1):
        if isinstance(protein, PathLike):
            yield from _of_file(protein)
        else:
            yield _record(protein, number)


def _of_file(path: str | PathLike[str]) -> Iterator[SequenceRecord]:
    return proteins_alone(read_fasta(path), str(path))


def _record(protein: Any, number: int) -> SequenceRecord:
    header, sequence = _name_and_residues(protein, number)
    residues = "".join(sequence.split()).rstrip("*")
    stop = residues.find("*", MAX_RESIDUES)  # as in a FASTA file
    residues = residues[:stop] if stop >= 0 else residues
    if len(residues) > MOST_RESIDUES:
        raise RecordError(
            f"protein {number}: expected at most {MOST_RESIDUES:,} residues, "
            f"found {len(residues):,} ({header})"
        )
    if not header.strip() or not residues:
        raise RecordError(f"protein {number}: expected a name and residues, found none")
    column = find_foreign(residues)
    if column is not None:
        raise RecordError(
            f"protein {number}: expected residues A to Z, found {residues[column]!r} in "
            f"position {column + 1} ({header})"
        )
    return SequenceRecord(header, residues.upper())


def _name_and_residues(protein: Any, number: int) -> tuple[str, str]:
    if isinstance(protein, SequenceRecord):
        return protein.header, protein.residues
    if hasattr(protein, "seq") and hasattr(protein, "id"):
        # Biopython describes a record by its whole header, if it has one.
        described = str(getattr(protein, "description", ""))
        is_header = described.split(maxsplit=1)[:1] == [str(protein.id)]
        return described if is_header else str(protein.id), str(protein.seq)
    is_pair = isinstance(protein, tuple | list) and len(protein) == 2
    name, part = protein if is_pair else (f"protein_{number}", protein)
    # Biopython's record, or its sequence.
    sequence = getattr(part, "seq", part)
    is_sequence = isinstance(sequence, str) or hasattr(sequence, "reverse_complement")
    if not isinstance(name, str) or not is_sequence:
        raise RecordError(
            f"protein {number}: expected a record, a pair of name and residues, residues or a "
            f"path, found {type(protein).__name__}"
        )
    return name, str(sequence)
