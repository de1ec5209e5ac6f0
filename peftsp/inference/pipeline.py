"""From records to predictions, a window of records at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from peftsp.data.batch import Batch, collate_tokens
from peftsp.data.tokens import tokenize
from peftsp.errors import CheckpointError, ConfigError
from peftsp.inference.ensemble import average_marginals, decode_marginals
from peftsp.inference.evidence import judge, without_cut
from peftsp.labels import MAX_RESIDUES, NO_SP, SP_TYPES
from peftsp.model.decode import (
    Decoded,
    end_inside_probability,
    path_motifs,
    path_regions,
    peptide_region_probabilities,
    region_probabilities,
)
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord

_WINDOW_BATCHES = 8


def window_size(batch_size: int) -> int:
    """Number of records that `predict_records` holds at a time.

    >>> window_size(64)
    512
    """
    return _WINDOW_BATCHES * batch_size


@dataclass(frozen=True, slots=True)
class Options:
    """What is told to a model, and what is asked of it.

    Attributes:
        kingdom: Kingdom id of all proteins, -1 where not known; for models that use it.
        sums_types: Count every signal peptide as SP, as is right for eukaryotes.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        has_region_probabilities: Give those of each residue too.
        has_peptide_regions: Give those of each residue by SP type too.
        precision: ``fp32``; ``bf16``: the backbone computes in bfloat16; ``int8``: in 8-bit
            integers, for which the models have to be held so, see `peftsp.inference.precision`.

    Raises:
        ConfigError: ``min_probability`` is out of range.
    """

    kingdom: int = -1
    sums_types: bool = False
    min_probability: float = 0.0
    has_region_probabilities: bool = False
    precision: str = "fp32"
    has_peptide_regions: bool = False

    def __post_init__(self) -> None:
        share: object = self.min_probability
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigError(f"min_probability: expected a number from 0 to 1, found {share!r}")


def predict_records(
    records: Iterable[SequenceRecord],
    taggers: Sequence[Tagger],
    batch_size: int,
    device: torch.device | str = "cpu",
    options: Options | None = None,
) -> Generator[Prediction]:
    """Yield the prediction of each record, in the order of the records.

    Memory does not grow with the number of records. A prediction does not depend on the batch size
    or on the other records, up to rounding in the sixth digit. One model decodes as it was trained
    to, several decode their average, see `peftsp.inference.ensemble`.

    Args:
        records: Proteins; the first 70 residues count.
        taggers: At least one model on ``device``; all are put into evaluation mode.
        batch_size: Sequences in a batch. A batch too large for the memory of a GPU is halved.
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
    taggers: Sequence[Tagger],
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
    taggers: Sequence[Tagger],
    device: torch.device | str,
    options: Options,
) -> list[Prediction]:
    """Predictions of at least one record in one pass; arguments as for `predict_records`."""
    batch = collate_tokens([tokenize(record.residues) for record in records])
    batch = replace(batch, kingdoms=torch.full_like(batch.kingdoms, options.kingdom)).to(device)
    try:
        decoded, ends_inside, *rows = _decode(batch, taggers, options)
    except torch.OutOfMemoryError as error:
        if len(records) == 1:
            raise ConfigError(
                f"{device}: expected memory for one protein, found too little: {error}"
            ) from error
    else:
        found = _predictions(records, decoded, *rows)
        judged = (
            judge(prediction, inside, options.sums_types)
            for prediction, inside in zip(found, ends_inside.tolist(), strict=True)
        )
        return [_consistent(prediction, options) for prediction in judged]
    # Outside the handler, which would keep the memory of the failed attempt alive.
    half = len(records) // 2
    parts = records[:half], records[half:]
    return [found for part in parts for found in predict_batch(part, taggers, device, options)]


# A decorator and not a block in the generator, where the mode would leak to the caller at a yield.
@torch.inference_mode()
def _decode(
    batch: Batch, taggers: Sequence[Tagger], options: Options
) -> tuple[Decoded, Tensor, Tensor | None, Tensor | None]:
    with torch.autocast(
        batch.tokens.device.type, torch.bfloat16, enabled=options.precision == "bf16"
    ):
        emissions = [tagger(batch.tokens, batch.mask, batch.kingdoms) for tagger in taggers]
    if not all(bool(scores[batch.residue_mask].isfinite().all()) for scores in emissions):
        raise CheckpointError(
            f"models in {options.precision}: expected finite scores, found others: the weights are "
            "broken or too large for this precision"
        )
    if len(taggers) > 1:
        marginals = average_marginals(taggers, emissions, batch.residue_mask)
        decoded = decode_marginals(marginals, batch.residue_mask, options.sums_types)
    else:
        (tagger,) = taggers
        marginals = tagger.marginals(emissions[0], batch.residue_mask)
        decoded = tagger.decode(emissions[0], marginals, batch.residue_mask, options.sums_types)
    regions = region_probabilities(marginals).cpu() if options.has_region_probabilities else None
    by_type = (
        peptide_region_probabilities(marginals, options.sums_types).cpu()
        if options.has_peptide_regions
        else None
    )
    ends_inside = _ends_inside(emissions, batch.residue_mask, taggers).cpu()
    return Decoded(*(tensor.cpu() for tensor in decoded)), ends_inside, regions, by_type


def _ends_inside(
    emissions: list[Tensor], residue_mask: Tensor, taggers: Sequence[Tagger]
) -> Tensor:
    """Of those whose end is seen, see `end_inside_probability`; zero for the others."""
    found = emissions[0].new_zeros(len(residue_mask))
    is_seen = residue_mask.sum(dim=1) < MAX_RESIDUES
    if is_seen.any():
        each = [
            end_inside_probability(scores[is_seen], residue_mask[is_seen], tagger.crf)
            for scores, tagger in zip(emissions, taggers, strict=True)
        ]
        found[is_seen] = torch.stack(each).mean(dim=0)
    return found


def _predictions(
    records: Sequence[SequenceRecord],
    decoded: Decoded,
    regions: Tensor | None,
    by_type: Tensor | None,
) -> list[Prediction]:
    columns = (tensor.tolist() for tensor in decoded)
    region_rows, type_rows = (
        [None] * len(records) if rows is None else rows.tolist() for rows in (regions, by_type)
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
