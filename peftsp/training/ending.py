"""The end of a training run: the best checkpoint tested, and what the run leaves."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from peftsp.data.datamodule import SignalPeptideData
from peftsp.data.identity import sequence_mark, split_marks
from peftsp.errors import ConfigError
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.runs.folder import BUNDLE, RunFolder, check_checkpoint, now
from peftsp.runs.record import PREDICTIONS_FILE, Cost, RunRecord
from peftsp.training.card import describe_start, papers_of
from peftsp.training.cost import CostMeter
from peftsp.training.module import SignalPeptideModule
from peftsp.training.predictions import Tested, write_predictions
from peftsp.training.resume import ResumePoint
from peftsp.training.start import Start
from peftsp.training.tables import CONFUSION_FILE, METRICS_FILE, log_tables, write_tables

_SHOWN = ("val/score", "test/score", "test/mean_mcc2")


@dataclass(frozen=True)
class FittedRun:
    """What a run consists of.

    Attributes:
        cfg: As composed from ``conf/train.yaml``.
        folder: Its folder.
        record: What it was asked to do.
        data: Its proteins.
        start: The model that it begins from; None for one without training.
        module: What was trained.
        head: Settings of the head.
        crf: Settings of the CRF.
        parameters: How many the model has, ``all`` and ``trained``.
        meter: What fitting cost.
        trainer: What fitted it.
    """

    cfg: DictConfig
    folder: RunFolder
    record: RunRecord
    data: SignalPeptideData
    start: Start | None
    module: SignalPeptideModule
    head: HeadSettings
    crf: CRFSettings
    parameters: dict[str, int]
    meter: CostMeter
    trainer: Trainer


def end_run(run: FittedRun) -> dict[str, float]:
    """Test the best checkpoint, unless that is off, and write what the run leaves.

    Every process has to call this; the first one writes. Of the files the record comes last, since
    it tells that the run is finished.

    Returns:
        Test metrics and the best validation score by name.

    Raises:
        ConfigError: There is no checkpoint to test.
    """
    # Before the test, which lets the meter take over the state that the checkpoint has kept.
    seconds, peaks = run.meter.time_elapsed(), run.meter.peaks(run.trainer)
    best, metrics = _best_checkpoint(run.trainer)
    check_checkpoint(best)
    tested = None
    if run.cfg.test:
        results = run.trainer.test(
            run.module, datamodule=run.data, ckpt_path=best, verbose=False, weights_only=True
        )[0]
        metrics |= {name: float(value) for name, value in results.items()}
        tested = run.module.tested
    # JSON, which record and bundle are, has no NaN.
    defined = {name: value for name, value in metrics.items() if math.isfinite(value)}
    if run.trainer.is_global_zero:
        folder, bundle = run.folder, run.folder.path / BUNDLE
        _write_tested(run, tested)
        save_bundle(
            _bundle(run, best, defined),
            bundle,
            run.start.own_backbone(run.module.tagger.method) if run.start else None,
            papers_of(run.start, run.cfg.name) if run.start else None,
        )
        cost = _cost(run, best, seconds, peaks)
        folder.write(replace(run.record, ended=now(), metrics=defined, cost=cost))
        folder.say(f"bundle: {bundle}")
        for name, value in metrics.items():
            if name in _SHOWN:
                folder.say(f"{name}: {value:.4f}")
        if tested:
            log_tables(run.trainer.loggers, tested.rows, folder.path, bundle)
            folder.say(f"metrics: {folder.path / METRICS_FILE}")
    return metrics


def _write_tested(run: FittedRun, tested: Tested | None) -> None:
    if tested:
        write_predictions(
            *tested.predictions, run.data.records.splits["test"], run.folder.path / PREDICTIONS_FILE
        )
        write_tables(tested.rows, tested.confusion, run.folder.path)
        return
    # Those of an earlier run would be taken for this one's.
    for name in (PREDICTIONS_FILE, METRICS_FILE, CONFUSION_FILE):
        (run.folder.path / name).unlink(missing_ok=True)


def _best_checkpoint(trainer: Trainer) -> tuple[Path, dict[str, float]]:
    """Path of the best checkpoint, and its score by name; of the last one where none is best."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.monitor and callback.best_model_path:
            score = callback.best_model_score
            # Unknown where a checkpoint of another run was gone on from and no epoch was left.
            named = {} if score is None else {callback.monitor: float(score)}
            return Path(callback.best_model_path), named
    # A ModelCheckpoint that monitors nothing saves after validations alone.
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ResumePoint) and callback.path.exists():
            return callback.path, {}
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
            return Path(callback.best_model_path), {}
    raise ConfigError("callbacks: expected a ModelCheckpoint that has saved, found none")


def _bundle(run: FittedRun, best: Path, metrics: dict[str, float]) -> Bundle:
    saved = torch.load(best, map_location="cpu", weights_only=True)
    training = {
        "name": run.cfg.name,
        "seed": run.cfg.seed,
        "data": OmegaConf.to_container(run.cfg.data, resolve=True),
        "epoch": saved["epoch"],
        "step": saved["global_step"],
        "metrics": metrics,
        "dataset": asdict(run.record.dataset),
        "is_chosen": _is_chosen(run.trainer),
        **_marks(run),
        **(describe_start(run.start) if run.start else {}),
    }
    weights = run.module.trained_weights(saved)
    return Bundle.from_tagger(run.module.tagger, run.head, run.crf, training, weights)


def _is_chosen(trainer: Trainer) -> bool:
    """Whether a callback looks at scores of validation proteins."""
    callbacks = *trainer.checkpoint_callbacks, *trainer.early_stopping_callbacks
    return any(getattr(callback, "monitor", None) for callback in callbacks)


def _marks(run: FittedRun) -> dict[str, str]:
    """Marks of all sequences that trained or chose the model, one behind the other.

    Validation proteins are not among them where no callback looks at their scores. Those of the
    model that the run began from stand by themselves, too. None where that does not say so itself.
    """
    earlier = run.start.bundle.training.get("proteins") if run.start else ""
    if earlier is None:
        return {}
    splits = ("train", "validation") if _is_chosen(run.trainer) else ("train",)
    records = [record for split in splits for record in run.data.records.splits[split]]
    marks = {sequence_mark(record.residues) for record in records} | split_marks(earlier)
    of_start = {"start_proteins": earlier} if run.start else {}
    return {"proteins": "".join(sorted(marks)), **of_start}


def _cost(run: FittedRun, best: Path, seconds: float, peaks: tuple[int, int | None]) -> Cost:
    return Cost(
        trained_parameters=run.parameters["trained"],
        all_parameters=run.parameters["all"],
        fit_seconds=round(seconds, 3),
        processes=run.trainer.world_size,
        peak_memory=peaks[0],
        peak_gpu_memory=peaks[1],
        checkpoint_size=best.stat().st_size,
        bundle_size=run.folder.size_of(BUNDLE),
    )
