"""One run of the prediction command: FASTA in, files of the wanted formats out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp.allocator import keep_freed_memory
from peftsp.inference.cluster import Cluster, predict_on_cluster
from peftsp.inference.cpus import usable_cpus
from peftsp.inference.device import find_device, fitting_batch_size
from peftsp.inference.fingerprint import fingerprint_run
from peftsp.inference.formats.base import OutputFormat, RunFacts
from peftsp.inference.formats.registry import find_formats, write_formats
from peftsp.inference.intake import Intake, check_inputs, find_inputs
from peftsp.inference.models import load_models
from peftsp.inference.organism import ANY, kingdom_of, sums_types
from peftsp.inference.output import OutputFolder
from peftsp.inference.pipeline import Options, predict_records, window_size
from peftsp.inference.precision import find_precision
from peftsp.inference.run_record import describe_run, write_skipped
from peftsp.inference.source import STANDARD_INPUT
from peftsp.inference.store import PredictionStore
from peftsp.inference.tally import Tally
from peftsp.inference.writing import writing_to
from peftsp.model.bundle import read_bundle
from peftsp.records import Prediction, SequenceRecord

_IDENTIFIER_SHOWN = 60

Predict = Callable[[Iterator[SequenceRecord]], Generator[Prediction]]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to predict and how.

    Attributes:
        fasta: Paths of the inputs or patterns of them; ``-`` is standard input.
        bundles: Bundle folders, at least one.
        output: Folder for the files.
        formats: Output formats, or their names.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        organism: One of `peftsp.inference.organism.ORGANISMS`.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        precision: One of `peftsp.inference.precision.PRECISIONS`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        batch_size: Sequences in a batch; None for what fits the device.
        threads: CPU threads of this process; None for PyTorch's choice.
        workers: Processes that draw pictures.
        has_progress: Show a progress bar if standard error is a terminal.
        is_fresh: Start anew even where an interrupted run can be resumed.
        is_strict: End at the first wrong record instead of leaving it out.
        cluster: Where to predict, if not in this process.
    """

    fasta: tuple[str, ...]
    bundles: tuple[Path, ...]
    output: Path
    formats: tuple[str | OutputFormat, ...]
    backbone: str | None
    organism: str
    min_probability: float
    precision: str
    device: str
    batch_size: int | None
    threads: int | None
    workers: int
    has_progress: bool
    is_fresh: bool
    is_strict: bool
    cluster: Cluster | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        files: What was written: paths of files and folders.
        tally: Counts over all predictions.
        predicted: Proteins predicted in this run, without those of an interrupted one.
        seconds: Time that their prediction took, without loading the models in this process.
        skipped: Wrong records that were left out.
    """

    files: tuple[Path, ...]
    tally: Tally
    predicted: int
    seconds: float
    skipped: int


def run(settings: RunSettings) -> RunSummary:
    """Predict every protein of the inputs.

    Raises:
        PeftspError: An input, a bundle or a setting is wrong, or the folder cannot be written to.
            Predictions made so far are kept.
    """
    started = datetime.now().astimezone()
    # PyTorch counts the processors of the machine, of which a container may have a share.
    torch.set_num_threads(settings.threads or min(torch.get_num_threads(), usable_cpus()))
    device = _device(settings)
    formats = find_formats(settings.formats)
    options = _options(settings, formats, device)
    inputs = find_inputs(settings.fasta)
    check_inputs(inputs)
    intake = Intake(inputs, settings.is_strict)
    paths = [Path(path) for path in inputs if path != STANDARD_INPUT]
    with OutputFolder(settings.output, paths) as output, closing(intake.records()) as reader:
        # A wrong stream shows before the models are loaded.
        records = chain([next(reader)], reader)
        predict, batch_size = _predictor(settings, device, options)
        with _store(settings, inputs, options) as store:
            summary = _predict(store, records, predict, batch_size, intake, settings)
            finished = datetime.now().astimezone()
            made = _write(formats, store, settings, intake, output.stage, finished)
            times = started, finished
            record = describe_run(settings, inputs, options, summary, times)
            files = output.publish(made, record)
            _tell_of_repeats(intake, store)
            store.remove()
    return replace(summary, files=files)


def _device(settings: RunSettings) -> torch.device:
    # A named device has to be in the machines of the cluster, which this one need not be.
    if settings.cluster is not None and settings.device != "auto":
        return torch.device(settings.device)
    return find_device(settings.device)


def _options(
    settings: RunSettings, formats: Sequence[OutputFormat], device: torch.device
) -> Options:
    return Options(
        kingdom=kingdom_of(settings.organism),
        sums_types=sums_types(settings.organism),
        min_probability=settings.min_probability,
        has_region_probabilities=any(f.needs_region_probabilities for f in formats),
        precision=find_precision(settings.precision, device),
        has_peptide_regions=any(f.needs_peptide_regions for f in formats),
    )


def _predictor(
    settings: RunSettings, device: torch.device, options: Options
) -> tuple[Predict, int]:
    """What predicts, the models in this process or those on a cluster, and its batch size."""
    bundles, backbone, cluster = settings.bundles, settings.backbone, settings.cluster
    if cluster is not None:
        read = [read_bundle(bundle) for bundle in bundles]
        _warn_of_unused(settings, any(bundle.head.kingdom_embedding for bundle in read))
        width = max(bundle.backbone.spec.width for bundle in read)
        size = settings.batch_size or fitting_batch_size(device, width)
        return lambda records: predict_on_cluster(
            records, cluster, bundles, backbone, size, device, options
        ), size
    taggers = load_models(bundles, device, backbone, options.precision)
    _warn_of_unused(settings, any(tagger.head.kingdoms for tagger in taggers))
    width = max(tagger.backbone.spec.width for tagger in taggers)
    size = settings.batch_size or fitting_batch_size(device, width)
    keep_freed_memory()
    return lambda records: predict_records(records, taggers, size, device, options), size


def _predict(
    store: PredictionStore,
    records: Iterator[SequenceRecord],
    predict: Predict,
    batch_size: int,
    intake: Intake,
    settings: RunSettings,
) -> RunSummary:
    window = window_size(batch_size)
    kept = Tally() if settings.is_fresh else store.resume(window)
    if kept.proteins:
        store.check_kept(records)
        print(f"resuming after {kept.proteins:,} proteins", file=sys.stderr)
    started = time.perf_counter()
    with closing(predict(records)) as predictions:
        found = _fill(store, predictions, intake, window, settings, kept.proteins)
    seconds = time.perf_counter() - started
    return RunSummary((), kept + found, found.proteins, seconds, len(intake.skipped))


def _fill(
    store: PredictionStore,
    predictions: Iterator[Prediction],
    intake: Intake,
    window: int,
    settings: RunSettings,
    kept: int,
) -> Tally:
    tally = Tally()
    # Bytes read tell how far a run is without counting the proteins first.
    unit = "B" if intake.size else " proteins"
    # tqdm takes None for: off unless standard error is a terminal.
    is_off = None if settings.has_progress else True
    with tqdm(total=intake.size, unit=unit, unit_scale=True, disable=is_off) as bar:
        while found := list(islice(predictions, window)):
            store.write(found)
            tally += Tally.of(found)
            bar.set_postfix_str(f"{tally.proteins:,} proteins", refresh=False)
            # What was read may be far ahead of what is predicted.
            share = (kept + tally.proteins) / intake.identifiers.count
            bar.update((intake.position * share if intake.size else tally.proteins) - bar.n)
    return tally


def _write(
    formats: list[OutputFormat],
    store: PredictionStore,
    settings: RunSettings,
    intake: Intake,
    stage: Path,
    finished: datetime,
) -> tuple[Path, ...]:
    facts = RunFacts(
        size=intake.identifiers.count,
        organism=settings.organism,
        model=", ".join(str(bundle.name) for bundle in settings.bundles),
        finished=finished,
        workers=settings.workers,
        has_progress=settings.has_progress,
        folder=settings.output,
    )
    with writing_to(settings.output):
        files = write_formats(formats, store.read, stage, facts)
        return (*files, write_skipped(intake.skipped, stage)) if intake.skipped else files


def _tell_of_repeats(intake: Intake, store: PredictionStore) -> None:
    repeats = intake.identifiers.repeats()
    if repeats is not None:
        example = next(islice(store.read(), repeats.first, None)).identifier
        print(
            f"{repeats.proteins:,} proteins have the identifier of an earlier one, such as "
            f"{example[:_IDENTIFIER_SHOWN]}; each has a row of its own",
            file=sys.stderr,
        )


def _store(settings: RunSettings, inputs: list[str], options: Options) -> PredictionStore:
    fingerprint = None
    if all(Path(path).is_file() for path in inputs):
        fingerprint = fingerprint_run([Path(path) for path in inputs], settings.bundles, options)
    return PredictionStore(settings.output, fingerprint)


def _warn_of_unused(settings: RunSettings, has_kingdoms: bool) -> None:
    is_used = sums_types(settings.organism) or has_kingdoms
    if settings.organism != ANY and not is_used:
        print(
            f"--organism {settings.organism} changes nothing: no bundle was trained to use it",
            file=sys.stderr,
        )
