"""From records to predictions, a window of records at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch

from peftsp.data.batch import collate_tokens
from peftsp.data.tokens import tokenize
from peftsp.errors import ConfigError
from peftsp.inference.compute.ensemble import Results, find_results
from peftsp.inference.compute.evidence import judge, without_cut
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.labels import MAX_RESIDUES, NO_SP, SP_TYPES
from peftsp.model.decode import path_motifs, path_regions
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord

_WINDOW_BATCHES = 8

Models = Sequence[Tagger] | OnnxModel
"""One model, several as one, or a graph of them."""


def window_size(batch_size: int) -> int:
    """Number of records that `predict_records` holds at a time.

    >>> window_size(64)
    512
    """
    return _WINDOW_BATCHES * batch_size


def predict_records(
    records: Iterable[SequenceRecord],
    taggers: Models,
    batch_size: int,
    device: torch.device | str = "cpu",
    options: Options | None = None,
) -> Generator[Prediction]:
    """Yield the prediction of each record, in the order of the records.

    Memory does not grow with the number of records. A prediction does not depend on the batch size
    or on the other records, up to rounding in the sixth digit. One model decodes as it was trained
    to, several decode their average, see `peftsp.inference.compute.ensemble`.

    Args:
        records: Proteins; the first 70 residues count.
        taggers: At least one model on ``device``, or a graph; all are put into evaluation mode.
        batch_size: Sequences in a batch. A batch that the memory is too small for is halved.
        device: Where the models are.
        options: Those of `Options` by default.

    Raises:
        ConfigError: There is no model, or the batch size is below one.
    """
    if not taggers:
        raise ConfigError("prediction: expected one model or more, found none")
    if batch_size < 1:
        raise ConfigError(f"batch size: expected 1 or more, found {batch_size}")
    options = options or Options()
    if not isinstance(taggers, OnnxModel):
        for tagger in taggers:
            tagger.eval()
    for window in windows(records, batch_size):
        yield from predict_window(window, taggers, batch_size, device, options)


def windows(records: Iterable[SequenceRecord], batch_size: int) -> Iterator[list[SequenceRecord]]:
    """Cut records into the windows that `predict_records` takes one after the other."""
    pending = iter(records)
    while window := list(islice(pending, window_size(batch_size))):
        yield window


def predict_window(
    window: Sequence[SequenceRecord],
    taggers: Models,
    batch_size: int,
    device: torch.device | str,
    options: Options,
) -> list[Prediction]:
    """Predictions of a window by models in evaluation mode; arguments as for `predict_records`."""
    # Neighbours of one length need little padding.
    lengths = [min(len(record.residues), MAX_RESIDUES) for record in window]
    order = sorted(range(len(window)), key=lengths.__getitem__, reverse=True)
    predictions: dict[int, Prediction] = {}
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = [window[index] for index in chosen]
        found = predict_batch(batch, taggers, device, options)
        predictions.update(zip(chosen, found, strict=True))
    return [predictions[index] for index in range(len(window))]


def predict_batch(
    records: Sequence[SequenceRecord],
    taggers: Models,
    device: torch.device | str,
    options: Options,
) -> list[Prediction]:
    """Predictions of at least one record in one pass; arguments as for `predict_records`."""
    try:
        results = _results(records, taggers, device, options)
    except (RuntimeError, MemoryError) as error:
        if not _is_of_memory(error):
            raise
        if len(records) == 1:
            raise ConfigError(
                f"{device}: expected memory for one protein, found too little: {error}"
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
    return [found for part in parts for found in predict_batch(part, taggers, device, options)]


def _is_of_memory(error: Exception) -> bool:
    # On CPUs PyTorch raises a plain RuntimeError.
    is_own_kind = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_own_kind or "DefaultCPUAllocator" in str(error)


def _results(
    records: Sequence[SequenceRecord],
    taggers: Models,
    device: torch.device | str,
    options: Options,
) -> Results:
    sequences = [tokenize(record.residues) for record in records]
    if isinstance(taggers, OnnxModel):
        return taggers.find_results(sequences, options)
    batch = collate_tokens(sequences)
    batch = replace(batch, kingdoms=torch.full_like(batch.kingdoms, options.kingdom)).to(device)
    return find_results(batch, taggers, options)


def _predictions(records: Sequence[SequenceRecord], results: Results) -> list[Prediction]:
    columns = (tensor.tolist() for tensor in results.decoded)
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
    return replace(without_cut(prediction), sp_type=SP_TYPES[NO_SP])
