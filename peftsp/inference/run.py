"""One run of the prediction command: FASTA in, files of the wanted formats out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import torch
from tqdm import tqdm

from peftsp import __version__
from peftsp.errors import ConfigError
from peftsp.inference.device import find_device, fitting_batch_size
from peftsp.inference.fingerprint import fingerprint_run
from peftsp.inference.formats.base import OutputFormat, RunFacts
from peftsp.inference.formats.registry import find_formats, write_formats
from peftsp.inference.intake import Intake, find_inputs
from peftsp.inference.organism import ANY, kingdom_of, sums_types
from peftsp.inference.pipeline import Options, predict_records, window_size
from peftsp.inference.precision import find_precision, quantize
from peftsp.inference.run_record import write_run_record, write_skipped
from peftsp.inference.store import PredictionStore
from peftsp.inference.tally import Tally
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction


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
        threads: CPU threads; None for PyTorch's choice.
        workers: Processes that draw pictures.
        has_progress: Show a progress bar if standard error is a terminal.
        is_fresh: Start anew even where an interrupted run can be resumed.
        is_strict: End at the first wrong record instead of leaving it out.
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


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did.

    Attributes:
        files: What was written: paths of files and folders.
        tally: Counts over all predictions.
        predicted: Proteins predicted in this run, without those of an interrupted one.
        seconds: Time that their prediction took, without loading the models.
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
        PeftspError: An input, a bundle or a setting is wrong. Predictions made so far are kept.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = find_device(settings.device)
    batch_size = settings.batch_size or fitting_batch_size(device)
    formats = find_formats(settings.formats)
    options = Options(
        kingdom=kingdom_of(settings.organism),
        sums_types=sums_types(settings.organism),
        min_probability=settings.min_probability,
        has_region_probabilities=any(f.needs_region_probabilities for f in formats),
        precision=find_precision(settings.precision, device),
    )
    inputs = find_inputs(settings.fasta)
    intake = Intake(inputs, settings.is_strict)
    with closing(intake.records()) as reader:
        # A wrong input shows before the models are loaded.
        records = chain([next(reader)], reader)
        taggers = load_taggers(settings.bundles, device, settings.backbone)
        if options.precision == "int8":
            quantize(taggers)
        _warn_of_unused(settings, taggers)
        with _store(settings, inputs, options) as store:
            kept = Tally() if settings.is_fresh else store.resume(window_size(batch_size))
            if kept.proteins:
                print(f"resuming after {kept.proteins:,} proteins", file=sys.stderr)
            remaining = islice(records, kept.proteins, None)
            predictions = predict_records(remaining, taggers, batch_size, device, options)
            started = time.perf_counter()
            found = _fill(store, predictions, intake, window_size(batch_size), settings)
            seconds = time.perf_counter() - started
            summary = RunSummary((), kept + found, found.proteins, seconds, len(intake.skipped))
            files = _write(formats, store, settings, intake, summary)
            store.remove()
    return replace(summary, files=files)


def _fill(
    store: PredictionStore,
    predictions: Iterator[Prediction],
    intake: Intake,
    window: int,
    settings: RunSettings,
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
            bar.update((intake.position if intake.size else tally.proteins) - bar.n)
    return tally


def _write(
    formats: list[OutputFormat],
    store: PredictionStore,
    settings: RunSettings,
    intake: Intake,
    summary: RunSummary,
) -> tuple[Path, ...]:
    finished = datetime.now().astimezone()
    facts = RunFacts(
        size=summary.tally.proteins,
        organism=settings.organism,
        model=", ".join(str(bundle.name) for bundle in settings.bundles),
        finished=finished,
        workers=settings.workers,
        has_progress=settings.has_progress,
        folder=settings.output,
    )
    files = write_formats(formats, store.read, settings.output, facts)
    if intake.skipped:
        files = (*files, write_skipped(intake.skipped, settings.output))
    if intake.repeated:
        print(
            f"{intake.repeated:,} proteins have the identifier of an earlier one, such as "
            f"{intake.repeated_identifier}; each has a row of its own",
            file=sys.stderr,
        )
    record = {
        "peftsp": __version__,
        "inputs": list(settings.fasta),
        "bundles": [str(bundle) for bundle in settings.bundles],
        "organism": settings.organism,
        "min_probability": settings.min_probability,
        "precision": settings.precision,
        "finished": finished.isoformat(timespec="seconds"),
        "counts": dict(summary.tally.types),
        "cleavage_sites_below_half": summary.tally.unsure_sites,
        "skipped": summary.skipped,
        "proteins_a_second": round(summary.predicted / max(summary.seconds, 1e-9), 1),
    }
    write_run_record(record, files, settings.output)
    return files


def _store(settings: RunSettings, inputs: list[str], options: Options) -> PredictionStore:
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{settings.output}: expected a folder, found a file") from error
    fingerprint = None
    if all(Path(path).is_file() for path in inputs):
        fingerprint = fingerprint_run([Path(path) for path in inputs], settings.bundles, options)
    return PredictionStore(settings.output, fingerprint)


def _warn_of_unused(settings: RunSettings, taggers: Sequence[Tagger]) -> None:
    is_used = sums_types(settings.organism) or any(tagger.head.kingdoms for tagger in taggers)
    if settings.organism != ANY and not is_used:
        print(
            f"--organism {settings.organism} changes nothing: no bundle was trained to use it",
            file=sys.stderr,
        )
