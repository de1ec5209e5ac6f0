"""One training run, from its configuration to its bundle."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint, ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.checks import check_types
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.model.tagger import Tagger
from peftsp.runs import PREDICTIONS_FILE, Cost, RunRecord, write_record
from peftsp.training.cost import CostMeter
from peftsp.training.module import SignalPeptideModule
from peftsp.training.predictions import write_predictions
from peftsp.training.report import METRICS_FILE, log_report, write_report
from peftsp.training.resume import ResumePoint
from peftsp.training.run_folder import BUNDLE, find_start, folder_size, is_finished


def train(cfg: DictConfig) -> dict[str, float]:
    """Train, test the best checkpoint, write tables, bundle and record.

    Args:
        cfg: As composed from ``conf/train.yaml``.

    Returns:
        Test metrics and the best validation score by name; those of the bundle for a run that had
        been finished before.

    Raises:
        PeftspError: A setting, a file or the data is wrong.
    """
    folder = Path(cfg.paths.output_dir)
    checkpoint = find_start(folder, cfg.ckpt_path, cfg.overwrite)
    if is_finished(folder):
        print(f"{folder}: this run is finished, nothing to do")
        finished: dict[str, float] = read_bundle(folder / BUNDLE).training["metrics"]
        return finished
    _quieten()
    _seed(cfg.seed)
    data: SignalPeptideData = instantiate(cfg.data)
    module, head, crf = _module(cfg)
    # Counted here, since some strategies share the parameters out over processes.
    sizes = _parameter_counts(module)
    meter = CostMeter()
    trainer = _trainer(cfg, meter)
    for logger in trainer.loggers:
        logger.log_hyperparams(_settings(cfg) | {"parameters": sizes})
    trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    best, score = _best_checkpoint(trainer)
    results = trainer.test(
        module, datamodule=data, ckpt_path=best, verbose=False, weights_only=True
    )[0]
    metrics = score | {name: float(value) for name, value in results.items()}
    peaks = meter.peaks(trainer)
    rows, confusion = module.metrics.table(), module.metrics.confusion()
    predictions = module.test_predictions.compute()
    if trainer.is_global_zero:
        saved = torch.load(best, map_location="cpu", weights_only=True)
        provenance, weights = _provenance(cfg, metrics, saved), module.trained_weights(saved)
        bundle = Bundle.from_tagger(module.tagger, head, crf, provenance, weights)
        write_predictions(*predictions, data.test_records, folder / PREDICTIONS_FILE)
        write_report(rows, confusion, folder)
        save_bundle(bundle, folder / BUNDLE)
        cost = Cost(
            trained_parameters=sizes["trained"],
            all_parameters=sizes["all"],
            fit_seconds=round(meter.time_elapsed(), 3),
            processes=trainer.world_size,
            peak_memory=peaks[0],
            peak_gpu_memory=peaks[1],
            checkpoint_size=Path(best).stat().st_size,
            bundle_size=folder_size(folder / BUNDLE),
        )
        write_record(_record(cfg, module.tagger, data, cost), folder)
        log_report(trainer.loggers, rows, folder, folder / BUNDLE)
        print(f"bundle:  {folder / BUNDLE}\nmetrics: {folder / METRICS_FILE}")
    return metrics


def _module(cfg: DictConfig) -> tuple[SignalPeptideModule, HeadSettings, CRFSettings]:
    head, crf = instantiate(cfg.head), instantiate(cfg.crf)
    method = instantiate(cfg.peft, _convert_="all")
    for group, settings in (("head", head), ("crf", crf), ("peft", method)):
        check_types(settings, group, ConfigError)
    module = SignalPeptideModule(
        build_tagger(instantiate(cfg.backbone), method, head, crf),
        instantiate(cfg.optimizer),
        instantiate(cfg.scheduler),
        cfg.regularisation.weight,
        cfg.augmentation.hidden_residues,
        cfg.learning_rate.head_factor,
    )
    return module, head, crf


def _record(cfg: DictConfig, tagger: Tagger, data: SignalPeptideData, cost: Cost) -> RunRecord:
    return RunRecord(
        name=cfg.name,
        method=tagger.method.settings()["method"],
        backbone=tagger.backbone.spec.name,
        fold=cfg.data.fold,
        seed=cfg.seed,
        dataset=data.identity(),
        cost=cost,
        settings=_settings(cfg),
    )


def _trainer(cfg: DictConfig, meter: CostMeter) -> Trainer:
    callbacks: list[Callback] = [instantiate(c) for c in cfg.callbacks.values() if c]
    loggers: list[Logger] = [instantiate(c) for c in cfg.logger.values() if c]
    trainer: Trainer = instantiate(
        cfg.trainer,
        callbacks=[*callbacks, meter],
        logger=loggers,
        default_root_dir=cfg.paths.output_dir,
        enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
    )
    return trainer


def _seed(seed: int) -> None:
    try:
        seed_everything(seed, workers=True, verbose=False)
    except ValueError as error:
        raise ConfigError(f"seed: expected 0 to {2**32 - 1}, found {seed!r}") from error


def _quieten() -> None:
    """Leave out what Lightning tells its developers, and keep its warnings."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")
    # The data module goes on with the next batch.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # The metrics gather over processes by themselves.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")


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


def _settings(cfg: DictConfig) -> dict[str, Any]:
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    return dict(settings)


def _parameter_counts(module: SignalPeptideModule) -> dict[str, int]:
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return {
        "all": sum(size for size, _ in sizes),
        "trained": sum(size for size, is_trained in sizes if is_trained),
    }


def _provenance(
    cfg: DictConfig, metrics: dict[str, float], checkpoint: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": cfg.name,
        "seed": cfg.seed,
        "data": OmegaConf.to_container(cfg.data, resolve=True),
        "epoch": checkpoint["epoch"],
        "step": checkpoint["global_step"],
        "metrics": metrics,
    }
