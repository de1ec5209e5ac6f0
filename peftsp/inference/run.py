"""One run of the prediction command: a FASTA file in, a table out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp.data.fasta import read_fasta
from peftsp.errors import ConfigError
from peftsp.inference.fingerprint import fingerprint_run
from peftsp.inference.pipeline import predict, window_size
from peftsp.inference.source import FastaSource, open_source
from peftsp.inference.table import PredictionTable
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord

TABLE_NAME = "predictions.csv"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to predict and how.

    Attributes:
        fasta: Path of the input, plain or gzip; ``-`` is standard input.
        bundles: Bundle folders, at least one.
        output: Folder of the table.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        kingdom: Kingdom id of all proteins, -1 where not known.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        batch_size: Sequences in a batch.
        threads: CPU threads; None for PyTorch's choice.
        has_progress: Show a progress bar if standard error is a terminal.
        is_fresh: Start anew even where an interrupted run can be resumed.
    """

    fasta: str
    bundles: tuple[Path, ...]
    output: Path
    backbone: str | None
    kingdom: int
    device: str
    batch_size: int
    threads: int | None
    has_progress: bool
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        table: Path of the table.
        counts: Proteins in the table by SP type.
        predicted: Proteins predicted in this run, without those of an interrupted one.
        seconds: Time that their prediction took, without loading the models.
    """

    table: Path
    counts: Counter[str]
    predicted: int
    seconds: float


def run(settings: RunSettings) -> RunSummary:
    """Predict every protein of a FASTA file.

    Raises:
        PeftspError: The input, a bundle or a setting is wrong. Rows written so far stay in the
            partial table.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = _find_device(settings.device)
    with open_source(settings.fasta) as source, _records(source) as reader:
        # A wrong input shows before the models are loaded.
        records = chain([next(reader)], reader)
        taggers = load_taggers(settings.bundles, device, settings.backbone)
        _warn_of_unused(settings, taggers)
        with _table(settings, source) as table:
            window = window_size(settings.batch_size)
            kept = Counter() if settings.is_fresh else table.resume(window)
            if kept:
                print(f"resuming after {kept.total():,} proteins", file=sys.stderr)
            remaining = islice(records, kept.total(), None)
            predictions = predict(remaining, taggers, settings.batch_size, device, settings.kingdom)
            started = time.perf_counter()
            counts = _fill(table, predictions, source, settings)
            seconds = time.perf_counter() - started
    return RunSummary(table.path, kept + counts, counts.total(), seconds)


def _fill(
    table: PredictionTable,
    predictions: Iterator[Prediction],
    source: FastaSource,
    settings: RunSettings,
) -> Counter[str]:
    counts: Counter[str] = Counter()
    with _progress(source, settings.has_progress) as bar:
        while rows := list(islice(predictions, window_size(settings.batch_size))):
            table.write(rows)
            counts.update(row.sp_type for row in rows)
            bar.set_postfix_str(f"{counts.total():,} proteins", refresh=False)
            bar.update((source.stream.tell() if source.size else counts.total()) - bar.n)
    table.finish()
    return counts


def _records(source: FastaSource) -> AbstractContextManager[Iterator[SequenceRecord]]:
    # A reader that is left half-way has to end before its stream is closed.
    return closing(read_fasta(source.stream, source.name))


def _progress(source: FastaSource, is_wanted: bool) -> tqdm:
    # Bytes read tell how far a run is without counting the proteins first.
    unit = "B" if source.size else " proteins"
    # tqdm takes None for: off unless standard error is a terminal.
    return tqdm(total=source.size, unit=unit, unit_scale=True, disable=None if is_wanted else True)


def _table(settings: RunSettings, source: FastaSource) -> PredictionTable:
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{settings.output}: expected a folder, found a file") from error
    fingerprint = None
    if source.path is not None:
        fingerprint = fingerprint_run(source.path, settings.bundles, settings.kingdom)
    return PredictionTable(settings.output / TABLE_NAME, fingerprint)


def _warn_of_unused(settings: RunSettings, taggers: Sequence[Tagger]) -> None:
    if settings.kingdom >= 0 and all(tagger.head.kingdoms is None for tagger in taggers):
        print("--kingdom changes nothing: no bundle was trained to use it", file=sys.stderr)


def _find_device(name: str) -> torch.device:
    is_available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, is_there in is_available.items() if is_there), "cpu")
    if not is_available.get(name, True):
        raise ConfigError(f"--device {name}: expected such a device in this machine, found none")
    return torch.device(name)
