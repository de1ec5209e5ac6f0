"""One run of the prediction command: FASTA in, files of the wanted formats out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from tqdm import tqdm

from peftsp.allocator import keep_freed_memory
from peftsp.durable import writing_to
from peftsp.errors import plain, tell
from peftsp.inference.compute.device import usable_cpus
from peftsp.inference.compute.options import ANY, Options
from peftsp.inference.compute.pipeline import window_size
from peftsp.inference.compute.predictor import Predictor
from peftsp.inference.formats.base import OutputFormat, RunFacts
from peftsp.inference.formats.registry import find_formats
from peftsp.inference.run.description import describe_run, fingerprint_run
from peftsp.inference.run.intake import Intake, check_inputs, find_inputs
from peftsp.inference.run.output import OutputFolder
from peftsp.inference.run.settings import STANDARD_INPUT, RunSettings, RunSummary
from peftsp.inference.run.skipped import SKIPPED_FILE, SkippedRecords
from peftsp.inference.run.store import PredictionStore, Tally
from peftsp.records import Prediction, SequenceRecord

_IDENTIFIER_SHOWN = 60
_DOING = "predicting"
_SHARE_OF_BYTES = "{desc}: {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]"


def run(settings: RunSettings) -> RunSummary:
    """Predict every protein of the inputs.

    Raises:
        PeftspError: An input, a bundle or a setting is wrong, or the folder cannot be written to.
            Predictions made so far are kept.
    """
    started = datetime.now().astimezone()
    formats = find_formats(settings.formats)
    predictor = Predictor(
        settings.model,
        settings.threads,
        has_region_probabilities=any(f.needs_region_probabilities for f in formats),
        has_peptide_regions=any(f.needs_peptide_regions for f in formats),
    )
    inputs = find_inputs(settings.fasta)
    check_inputs(inputs, settings.is_strict)
    paths = [Path(path) for path in inputs if path != STANDARD_INPUT]
    results = [name for chosen in formats for name in chosen.files]
    results += [] if settings.is_strict else [SKIPPED_FILE]
    with (
        OutputFolder(settings.output, paths, results) as output,
        closing(SkippedRecords(output.stage)) as skipped,
    ):
        intake = Intake(inputs, settings.is_strict, skipped.note)
        reader = intake.records()
        # A wrong stream shows before the models are loaded.
        records = chain([next(reader)], reader)
        _load(predictor, settings)
        with closing(_store(settings, inputs, predictor.options)) as store:
            summary = _predict(store, records, predictor, intake, settings)
            finished = datetime.now().astimezone()
            summary = replace(summary, skipped=skipped.count)
            skipped.close()
            _write(formats, store, settings, summary, output.stage, finished)
            times = started, finished
            record = describe_run(settings, inputs, predictor, summary, times)
            files = output.publish(record)
            _tell(intake, store)
            store.remove()
    return replace(summary, files=files)


def _load(predictor: Predictor, settings: RunSettings) -> None:
    predictor.load()
    keep_freed_memory()
    kingdom = settings.model.kingdom
    if kingdom != ANY and not predictor.uses_kingdom:
        tell(f"--kingdom {kingdom} changes nothing: no bundle was trained to use it")
    if predictor.emulates_bfloat16:
        tell("--precision bf16 is slow here: the processor has no instructions for it; fp32 is not")


def _predict(
    store: PredictionStore,
    records: Iterator[SequenceRecord],
    predictor: Predictor,
    intake: Intake,
    settings: RunSettings,
) -> RunSummary:
    window = window_size(predictor.batch_size)
    kept = Tally() if settings.is_fresh else store.resume(window)
    if kept.proteins:
        store.check_kept(records)
        tell(f"resuming after {kept.proteins:,} proteins")
    started = time.perf_counter()
    with closing(predictor.predict(records)) as predictions:
        found = _fill(store, predictions, intake, window, settings, kept.proteins)
    seconds = time.perf_counter() - started
    return RunSummary((), kept + found, found.proteins, seconds, skipped=0)


def _fill(
    store: PredictionStore,
    predictions: Iterator[Prediction],
    intake: Intake,
    window: int,
    settings: RunSettings,
    kept: int,
) -> Tally:
    tally = Tally()
    # tqdm takes None for: off unless standard error is a terminal.
    is_off = None if settings.has_progress else True
    # Bytes read tell how far a run is without counting the proteins first.
    shown = _SHARE_OF_BYTES if intake.size else None
    with tqdm(None, _DOING, intake.size, unit=" proteins", bar_format=shown, disable=is_off) as bar:
        while found := list(islice(predictions, window)):
            store.write(found)
            tally += Tally.of(found)
            bar.set_postfix_str(f"{kept + tally.proteins:,} proteins", refresh=False)
            # What was read may be far ahead of what is predicted.
            share = (kept + tally.proteins) / intake.identifiers.count
            bar.update((intake.position * share if intake.size else tally.proteins) - bar.n)
    return tally


def _write(
    formats: list[OutputFormat],
    store: PredictionStore,
    settings: RunSettings,
    summary: RunSummary,
    stage: Path,
    finished: datetime,
) -> None:
    facts = RunFacts(
        size=summary.tally.proteins,
        kingdom=settings.model.kingdom,
        model=", ".join(str(bundle.name) for bundle in settings.model.bundles),
        finished=finished,
        workers=settings.workers or usable_cpus(),
        has_progress=settings.has_progress,
        folder=settings.output,
        is_safe_csv=settings.is_safe_csv,
    )
    with writing_to(settings.output):
        for chosen in formats:
            chosen.write(store.read, stage, facts)


def _tell(intake: Intake, store: PredictionStore) -> None:
    """Name the files without a protein, and an identifier that comes again."""
    for error in intake.empty:
        tell(str(error))
    repeats = intake.identifiers.repeats()
    if repeats is not None:
        proteins, first = repeats
        example = next(islice(store.read(), first, None)).identifier
        tell(
            f"{proteins:,} proteins have the identifier of an earlier one, such as "
            f"{plain(example, _IDENTIFIER_SHOWN)}; each has a row of its own"
        )


def _store(settings: RunSettings, inputs: list[str], options: Options) -> PredictionStore:
    fingerprint = None
    if all(path != STANDARD_INPUT and Path(path).is_file() for path in inputs):
        fingerprint = fingerprint_run([Path(path) for path in inputs], settings.model, options)
    return PredictionStore(settings.output, fingerprint)
