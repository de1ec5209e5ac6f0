"""The end of a training run: the best checkpoint tested, and what the run leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.metrics.table import MetricRow
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.runs import PREDICTIONS_FILE, Cost, RunRecord, write_record
from peftsp.training.cost import CostMeter
from peftsp.training.module import SignalPeptideModule
from peftsp.training.predictions import write_predictions
from peftsp.training.report import CONFUSION_FILE, METRICS_FILE, log_report, write_report
from peftsp.training.resume import ResumePoint
from peftsp.training.run_folder import BUNDLE, folder_size


@dataclass(frozen=True)
class FittedRun:
    """What a run consists of.

    Attributes:
        cfg: As composed from ``conf/train.yaml``.
        data: Its proteins.
        module: What was trained.
        head: Settings of the head.
        crf: Settings of the CRF.
        parameters: How many the model has, ``all`` and ``trained``.
        meter: What fitting cost.
        trainer: What fitted it.
    """

    cfg: DictConfig
    data: SignalPeptideData
    module: SignalPeptideModule
    head: HeadSettings
    crf: CRFSettings
    parameters: dict[str, int]
    meter: CostMeter
    trainer: Trainer

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.cfg.paths.output_dir)


def end_run(run: FittedRun) -> dict[str, float]:
    """Test the best checkpoint, unless that is off, and write what the run leaves.

    Every process has to call this; the first one writes. Of the files the record comes last, since
    it tells that the run is finished.

    Returns:
        Test metrics and the best validation score by name.

    Raises:
        ConfigError: There is no checkpoint to test.
    """
    best, metrics = _best_checkpoint(run.trainer)
    tested = _test(run, best) if run.cfg.test else None
    if tested:
        metrics |= tested.metrics
    peaks = run.meter.peaks(run.trainer)
    if run.trainer.is_global_zero:
        bundle = run.folder / BUNDLE
        _write_tested(run, tested)
        save_bundle(_bundle(run, best, metrics), bundle)
        write_record(_record(run, _cost(run, best, peaks)), run.folder)
        print(f"bundle:  {bundle}")
        if tested:
            log_report(run.trainer.loggers, tested.rows, run.folder, bundle)
            print(f"metrics: {run.folder / METRICS_FILE}")
    return metrics


def settings_of(cfg: DictConfig) -> dict[str, Any]:
    """All settings, resolved, as nested groups."""
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    return dict(settings)


@dataclass(frozen=True)
class _Tested:
    metrics: dict[str, float]
    rows: list[MetricRow]
    confusion: Tensor
    predictions: tuple[Tensor, Tensor]


def _test(run: FittedRun, best: str) -> _Tested:
    results = run.trainer.test(
        run.module, datamodule=run.data, ckpt_path=best, verbose=False, weights_only=True
    )[0]
    return _Tested(
        {name: float(value) for name, value in results.items()},
        run.module.metrics.table(),
        run.module.metrics.confusion(),
        run.module.test_predictions.compute(),
    )


def _write_tested(run: FittedRun, tested: _Tested | None) -> None:
    if tested:
        write_predictions(*tested.predictions, run.data.test_records, run.folder / PREDICTIONS_FILE)
        write_report(tested.rows, tested.confusion, run.folder)
        return
    # Those of an earlier run would be taken for this one's.
    for name in (PREDICTIONS_FILE, METRICS_FILE, CONFUSION_FILE):
        (run.folder / name).unlink(missing_ok=True)


def _best_checkpoint(trainer: Trainer) -> tuple[str, dict[str, float]]:
    """Path of the best checkpoint, and its score by name; of the last one where none is best."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
            score = callback.best_model_score
            # Unknown where a checkpoint of another run was gone on from and no epoch was left.
            named = {} if score is None else {str(callback.monitor): float(score)}
            return callback.best_model_path, named
    # A ModelCheckpoint that monitors nothing waits for a validation, which may be switched off.
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ResumePoint) and callback.path.exists():
            return str(callback.path), {}
    raise ConfigError("callbacks: expected a ModelCheckpoint that has saved, found none")


def _bundle(run: FittedRun, best: str, metrics: dict[str, float]) -> Bundle:
    saved = torch.load(best, map_location="cpu", weights_only=True)
    training = {
        "name": run.cfg.name,
        "seed": run.cfg.seed,
        "data": OmegaConf.to_container(run.cfg.data, resolve=True),
        "epoch": saved["epoch"],
        "step": saved["global_step"],
        "metrics": metrics,
    }
    weights = run.module.trained_weights(saved)
    return Bundle.from_tagger(run.module.tagger, run.head, run.crf, training, weights)


def _cost(run: FittedRun, best: str, peaks: tuple[int, int | None]) -> Cost:
    return Cost(
        trained_parameters=run.parameters["trained"],
        all_parameters=run.parameters["all"],
        fit_seconds=round(run.meter.time_elapsed(), 3),
        processes=run.trainer.world_size,
        peak_memory=peaks[0],
        peak_gpu_memory=peaks[1],
        checkpoint_size=Path(best).stat().st_size,
        bundle_size=folder_size(run.folder / BUNDLE),
    )


def _record(run: FittedRun, cost: Cost) -> RunRecord:
    tagger = run.module.tagger
    return RunRecord(
        name=run.cfg.name,
        method=tagger.method.settings()["method"],
        backbone=tagger.backbone.spec.name,
        fold=run.cfg.data.fold,
        seed=run.cfg.seed,
        dataset=run.data.identity(),
        cost=cost,
        settings=settings_of(run.cfg),
    )
