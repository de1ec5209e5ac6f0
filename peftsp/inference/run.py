"""One run of the prediction command: FASTA in, files of the wanted formats out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp.data.fasta import read_fasta
from peftsp.errors import ConfigError
from peftsp.inference.device import find_device
from peftsp.inference.fingerprint import fingerprint_run
from peftsp.inference.formats.base import OutputFormat, RunFacts
from peftsp.inference.formats.registry import find_formats, write_formats
from peftsp.inference.organism import ANY, kingdom_of, sums_types
from peftsp.inference.pipeline import Options, predict_records, window_size
from peftsp.inference.precision import find_precision, quantize
from peftsp.inference.source import FastaSource, open_source
from peftsp.inference.store import PredictionStore
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to predict and how.

    Attributes:
        fasta: Path of the input, plain or gzip; ``-`` is standard input.
        bundles: Bundle folders, at least one.
        output: Folder for the files.
        formats: Output formats, or their names.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        organism: One of `peftsp.inference.organism.ORGANISMS`.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        precision: One of `peftsp.inference.precision.PRECISIONS`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        batch_size: Sequences in a batch.
        threads: CPU threads; None for PyTorch's choice.
        workers: Processes that draw pictures.
        has_progress: Show a progress bar if standard error is a terminal.
        is_fresh: Start anew even where an interrupted run can be resumed.
    """

    fasta: str
    bundles: tuple[Path, ...]
    output: Path
    formats: tuple[str | OutputFormat, ...]
    backbone: str | None
    organism: str
    min_probability: float
    precision: str
    device: str
    batch_size: int
    threads: int | None
    workers: int
    has_progress: bool
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        files: What was written: paths of files and folders.
        counts: Proteins by SP type.
        predicted: Proteins predicted in this run, without those of an interrupted one.
        seconds: Time that their prediction took, without loading the models.
    """

    files: tuple[Path, ...]
    counts: Counter[str]
    predicted: int
    seconds: float


def run(settings: RunSettings) -> RunSummary:
    """Predict every protein of a FASTA file.

    Raises:
        PeftspError: The input, a bundle or a setting is wrong. Predictions made so far are kept.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = find_device(settings.device)
    formats = find_formats(settings.formats)
    options = Options(
        kingdom=kingdom_of(settings.organism),
        sums_types=sums_types(settings.organism),
        min_probability=settings.min_probability,
        has_region_probabilities=any(f.needs_region_probabilities for f in formats),
        precision=find_precision(settings.precision, device),
    )
    with open_source(settings.fasta) as source, _records(source) as reader:
        # A wrong input shows before the models are loaded.
        records = chain([next(reader)], reader)
        taggers = load_taggers(settings.bundles, device, settings.backbone)
        if options.precision == "int8":
            quantize(taggers)
        _warn_of_unused(settings, taggers)
        with _store(settings, source, options) as store:
            window = window_size(settings.batch_size)
            kept = Counter() if settings.is_fresh else store.resume(window)
            if kept:
                print(f"resuming after {kept.total():,} proteins", file=sys.stderr)
            remaining = islice(records, kept.total(), None)
            predictions = predict_records(remaining, taggers, settings.batch_size, device, options)
            started = time.perf_counter()
            counts = _fill(store, predictions, source, settings)
            seconds = time.perf_counter() - started
            facts = RunFacts(
                size=(kept + counts).total(),
                organism=settings.organism,
                model=", ".join(str(bundle.name) for bundle in settings.bundles),
                finished=datetime.now().astimezone(),
                workers=settings.workers,
                has_progress=settings.has_progress,
                folder=settings.output,
            )
            files = write_formats(formats, store.read, settings.output, facts)
            store.remove()
    return RunSummary(files, kept + counts, counts.total(), seconds)


def _fill(
    store: PredictionStore,
    predictions: Iterator[Prediction],
    source: FastaSource,
    settings: RunSettings,
) -> Counter[str]:
    counts: Counter[str] = Counter()
    with _progress(source, settings.has_progress) as bar:
        while found := list(islice(predictions, window_size(settings.batch_size))):
            store.write(found)
            counts.update(prediction.sp_type for prediction in found)
            bar.set_postfix_str(f"{counts.total():,} proteins", refresh=False)
            bar.update((source.stream.tell() if source.size else counts.total()) - bar.n)
    return counts


def _records(source: FastaSource) -> AbstractContextManager[Iterator[SequenceRecord]]:
    # A reader that is left half-way has to end before its stream is closed.
    return closing(read_fasta(source.stream, source.name))


def _progress(source: FastaSource, is_wanted: bool) -> tqdm:
    # Bytes read tell how far a run is without counting the proteins first.
    unit = "B" if source.size else " proteins"
    # tqdm takes None for: off unless standard error is a terminal.
    return tqdm(total=source.size, unit=unit, unit_scale=True, disable=None if is_wanted else True)


def _store(settings: RunSettings, source: FastaSource, options: Options) -> PredictionStore:
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{settings.output}: expected a folder, found a file") from error
    fingerprint = None
    if source.path is not None:
        fingerprint = fingerprint_run(source.path, settings.bundles, options)
    return PredictionStore(settings.output, fingerprint)


def _warn_of_unused(settings: RunSettings, taggers: Sequence[Tagger]) -> None:
    is_used = sums_types(settings.organism) or any(tagger.head.kingdoms for tagger in taggers)
    if settings.organism != ANY and not is_used:
        print(
            f"--organism {settings.organism} changes nothing: no bundle was trained to use it",
            file=sys.stderr,
        )
