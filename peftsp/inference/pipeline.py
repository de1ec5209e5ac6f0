"""From records to predictions, a window of records at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import torch

from peftsp.data.batch import Batch, collate_tokens
from peftsp.data.tokens import tokenize
from peftsp.errors import ConfigError
from peftsp.inference.ensemble import average_marginals, decode_marginals
from peftsp.labels import MAX_RESIDUES, SP_TYPES
from peftsp.model.decode import Decoded, path_regions
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord

_WINDOW_BATCHES = 8


def window_size(batch_size: int) -> int:
    """Number of records that `predict` holds at a time.

    >>> window_size(64)
    512
    """
    return _WINDOW_BATCHES * batch_size


def predict(
    records: Iterable[SequenceRecord],
    taggers: Sequence[Tagger],
    batch_size: int,
    device: torch.device | str = "cpu",
    kingdom: int = -1,
) -> Iterator[Prediction]:
    """Yield the prediction of each record, in the order of the records.

    Memory does not grow with the number of records. A prediction does not depend on the batch size
    or on the other records, up to rounding in the sixth digit. One model decodes as it was trained
    to, several decode their average, see `peftsp.inference.ensemble`.

    Args:
        records: Proteins; the first 70 residues count.
        taggers: At least one model on ``device``; all are put into evaluation mode.
        batch_size: Sequences in a batch. A batch too large for the memory of a GPU is halved.
        device: Where the models are.
        kingdom: Kingdom id of all records, -1 where not known; for models that use it.

    Raises:
        ConfigError: There is no model, or the batch size is below one.
    """
    if not taggers:
        raise ConfigError("prediction: expected one model or more, found none")
    if batch_size < 1:
        raise ConfigError(f"batch size: expected 1 or more, found {batch_size}")
    for tagger in taggers:
        tagger.eval()
    pending = iter(records)
    while window := list(islice(pending, window_size(batch_size))):
        # Neighbours of one length need little padding.
        lengths = [min(len(record.residues), MAX_RESIDUES) for record in window]
        order = sorted(range(len(window)), key=lengths.__getitem__, reverse=True)
        predictions: dict[int, Prediction] = {}
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            batch = [window[index] for index in chosen]
            found = predict_batch(batch, taggers, device, kingdom)
            predictions.update(zip(chosen, found, strict=True))
        yield from (predictions[index] for index in range(len(window)))


def predict_batch(
    records: Sequence[SequenceRecord],
    taggers: Sequence[Tagger],
    device: torch.device | str,
    kingdom: int,
) -> list[Prediction]:
    """Predictions of at least one record in one pass; arguments as for `predict`."""
    batch = collate_tokens([tokenize(record.residues) for record in records])
    batch = replace(batch, kingdoms=torch.full_like(batch.kingdoms, kingdom)).to(device)
    try:
        decoded = _decode(batch, taggers)
    except torch.OutOfMemoryError as error:
        if len(records) == 1:
            raise ConfigError(
                f"{device}: expected memory for one protein, found too little: {error}"
            ) from error
    else:
        return _predictions(records, decoded)
    # Outside the handler, which would keep the memory of the failed attempt alive.
    half = len(records) // 2
    parts = records[:half], records[half:]
    return [found for part in parts for found in predict_batch(part, taggers, device, kingdom)]


# A decorator and not a block in `predict`, where the mode would leak to the caller at each yield.
@torch.inference_mode()
def _decode(batch: Batch, taggers: Sequence[Tagger]) -> Decoded:
    if len(taggers) > 1:
        marginals = average_marginals(taggers, batch.tokens, batch.mask, batch.kingdoms)
        decoded = decode_marginals(marginals, batch.residue_mask)
    else:
        (tagger,) = taggers
        emissions = tagger(batch.tokens, batch.mask, batch.kingdoms)
        marginals = tagger.crf.marginals(emissions, batch.residue_mask)
        decoded = tagger.decode(emissions, marginals, batch.residue_mask)
    return Decoded(*(tensor.cpu() for tensor in decoded))


def _predictions(records: Sequence[SequenceRecord], decoded: Decoded) -> list[Prediction]:
    columns = (tensor.tolist() for tensor in decoded)
    return [
        Prediction(
            header=record.header,
            sp_type=SP_TYPES[sp_type],
            probabilities=tuple(probabilities),
            cleavage_site=site if site > 0 else None,
            cleavage_site_probability=site_probability if site > 0 else None,
            regions=path_regions(path[: len(record.residues)]),
        )
        for record, probabilities, sp_type, path, site, site_probability in zip(
            records, *columns, strict=True
        )
    ]
