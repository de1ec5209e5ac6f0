"""From records to predictions, a window of records at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from peftsp.data.tokens import tokenize
from peftsp.errors import ConfigError
from peftsp.inference.compute.evidence import ENDS_INSIDE, judge, without_cut
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.results import Models, Results
from peftsp.labels import MAX_RESIDUES, NO_SP, SP_TYPES
from peftsp.records import Prediction, SequenceRecord
from peftsp.state_paths import path_motifs, path_regions

if TYPE_CHECKING:
    from peftsp.model.tagger import Tagger

_WINDOW_BATCHES = 8


def window_size(batch_size: int) -> int:
    """Number of records that `predict_records` holds at a time.

    >>> window_size(64)
    512
    """
    return _WINDOW_BATCHES * batch_size


def predict_records(
    records: Iterable[SequenceRecord],
    models: Models | Sequence[Tagger],
    batch_size: int,
    options: Options | None = None,
) -> Generator[Prediction]:
    """Yield the prediction of each record, in the order of the records.

    Memory does not grow with the number of records. A prediction does not depend on the batch size
    or on the other records, up to rounding in the sixth digit. One model decodes as it was trained
    to, several decode their average, see `peftsp.inference.compute.ensemble`.

    Args:
        records: Proteins; the first 70 residues count.
        models: What predicts: models of any runtime, or PyTorch's on the processor.
        batch_size: Sequences in a batch. A batch that the memory is too small for is halved.
        options: Those of `Options` by default.

    Raises:
        ConfigError: The batch size is below one.
    """
    if batch_size < 1:
        raise ConfigError(f"batch size: expected 1 or more, found {batch_size}")
    options = options or Options()
    if isinstance(models, Sequence):
        from peftsp.inference.compute.torch_models import TorchModels

        models = TorchModels(models)
    for window in windows(records, batch_size):
        yield from predict_window(window, models, batch_size, options)


def windows(records: Iterable[SequenceRecord], batch_size: int) -> Iterator[list[SequenceRecord]]:
    """Cut records into the windows that `predict_records` takes one after the other."""
    pending = iter(records)
    while window := list(islice(pending, window_size(batch_size))):
        yield window


def predict_window(
    window: Sequence[SequenceRecord],
    models: Models,
    batch_size: int,
    options: Options,
) -> list[Prediction]:
    """Predictions of a window; arguments as for `predict_records`."""
    # Neighbours of one length need little padding.
    lengths = [min(len(record.residues), MAX_RESIDUES) for record in window]
    order = sorted(range(len(window)), key=lengths.__getitem__, reverse=True)
    predictions: dict[int, Prediction] = {}
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = [window[index] for index in chosen]
        found = predict_batch(batch, models, options)
        predictions.update(zip(chosen, found, strict=True))
    return [predictions[index] for index in range(len(window))]


def predict_batch(
    records: Sequence[SequenceRecord], models: Models, options: Options
) -> list[Prediction]:
    """Predictions of at least one record in one pass; arguments as for `predict_records`."""
    try:
        results = models.find_results([tokenize(record.residues) for record in records], options)
    except MemoryError as error:
        if len(records) == 1:
            raise ConfigError(
                f"prediction: expected memory for one protein, found too little: {error}"
            ) from error
    else:
        judged = (
            judge(prediction, inside, options.sums_types)
            for prediction, inside in zip(
                _predictions(records, results), results.ends_inside.tolist(), strict=True
            )
        )
        return [_consistent(prediction, options) for prediction in judged]
    # Outside the handler, which would keep the memory of the failed attempt alive.
    half = len(records) // 2
    parts = records[:half], records[half:]
    return [found for part in parts for found in predict_batch(part, models, options)]


def _predictions(records: Sequence[SequenceRecord], results: Results) -> list[Prediction]:
    columns = (array.tolist() for array in results[:5])
    region_rows, type_rows = (
        [None] * len(records) if rows is None else rows.tolist()
        for rows in (results.regions, results.peptide_regions)
    )
    return [
        Prediction(
            header=record.header,
            sp_type=SP_TYPES[sp_type],
            probabilities=tuple(probabilities),
            cleavage_site=site if site > 0 else None,
            cleavage_site_probability=site_probability if site > 0 else None,
            regions=path_regions(path[: len(record.residues)]),
            residues=record.residues,
            motifs=path_motifs(path[: len(record.residues)]),
            region_probabilities=rows and tuple(map(tuple, rows[: len(record.residues)])),
            peptide_regions=of_types and tuple(map(tuple, of_types[: len(record.residues)])),
        )
        for record, rows, of_types, probabilities, sp_type, path, site, site_probability in zip(
            records, region_rows, type_rows, *columns, strict=True
        )
    ]


def _consistent(prediction: Prediction, options: Options) -> Prediction:
    """The prediction without what contradicts its type.

    A type that is not probable enough becomes NO_SP, whatever is NO_SP is not cut, although the
    path of a model that decodes freely may be, and SP summed over types has the motifs of none.
    """
    is_peptide = prediction.sp_type != SP_TYPES[NO_SP]
    if is_peptide and prediction.probability >= options.min_probability:
        return replace(prediction, motifs=()) if options.sums_types else prediction
    caveats = tuple(caveat for caveat in prediction.caveats if caveat != ENDS_INSIDE)
    return replace(without_cut(prediction), sp_type=SP_TYPES[NO_SP], caveats=caveats)
