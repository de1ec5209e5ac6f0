"""One training run, from its configuration to its bundle."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningDataModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint, ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from peftsp.errors import ConfigError
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.checks import check_types
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.base import PeftMethod
from peftsp.training.loggers import finish_wandb
from peftsp.training.module import SignalPeptideModule
from peftsp.training.preemption import saving_before_the_end
from peftsp.training.report import METRICS_FILE, log_report, write_report
from peftsp.training.resume import ResumePoint
from peftsp.training.run_folder import BUNDLE, find_start, is_finished

_COMPARED = ("backbone", "peft", "data", "head", "optimizer", "scheduler")


def train(cfg: DictConfig, watchers: Sequence[Callback] = ()) -> dict[str, float]:
    """Train, test the best checkpoint, write table and bundle.

    Args:
        cfg: As composed from ``conf/train.yaml``. With ``test: false`` the test partition is left
            alone, and there is no table.
        watchers: Callbacks beside those of the configuration.

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
    data: LightningDataModule = instantiate(cfg.data)
    settings = _model_settings(cfg)
    module = _build_module(cfg, settings)
    callbacks: list[Callback] = [instantiate(c) for c in cfg.callbacks.values() if c]
    loggers: list[Logger] = [instantiate(c) for c in cfg.logger.values() if c]
    trainer: Trainer = instantiate(
        cfg.trainer,
        callbacks=[*callbacks, *watchers],
        logger=loggers,
        default_root_dir=folder,
        enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
    )
    has_ended = False
    try:
        _log_settings(loggers, cfg, module)
        with saving_before_the_end(trainer):
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
            metrics = _end_run(cfg, trainer, module, data, settings)
        has_ended = True
    finally:
        finish_wandb(loggers, has_failed=not has_ended)
    return metrics


@dataclass(frozen=True)
class _ModelSettings:
    head: HeadSettings
    crf: CRFSettings
    method: PeftMethod


def _model_settings(cfg: DictConfig) -> _ModelSettings:
    settings = _ModelSettings(
        instantiate(cfg.head), instantiate(cfg.crf), instantiate(cfg.peft, _convert_="all")
    )
    groups = {"head": settings.head, "crf": settings.crf, "peft": settings.method}
    for group, chosen in groups.items():
        check_types(chosen, group, ConfigError)
    return settings


def _build_module(cfg: DictConfig, settings: _ModelSettings) -> SignalPeptideModule:
    backbone = instantiate(cfg.backbone)
    return SignalPeptideModule(
        build_tagger(backbone, settings.method, settings.head, settings.crf),
        instantiate(cfg.optimizer),
        instantiate(cfg.scheduler),
        cfg.regularisation.weight,
        cfg.augmentation.hidden_residues,
        cfg.learning_rate.head_factor,
    )


def _end_run(
    cfg: DictConfig,
    trainer: Trainer,
    module: SignalPeptideModule,
    data: LightningDataModule,
    settings: _ModelSettings,
) -> dict[str, float]:
    """Test the best checkpoint, unless that is off, and write what the run leaves."""
    folder = Path(cfg.paths.output_dir)
    best, metrics = _best_checkpoint(trainer)
    if cfg.test:
        results = trainer.test(
            module, datamodule=data, ckpt_path=best, verbose=False, weights_only=True
        )[0]
        metrics |= {name: float(value) for name, value in results.items()}
        rows, confusion = module.metrics.table(), module.metrics.confusion()
    if not trainer.is_global_zero:
        return metrics
    saved = torch.load(best, map_location="cpu", weights_only=True)
    provenance = _provenance(cfg, metrics, saved)
    weights = module.trained_weights(saved)
    bundle = Bundle.from_tagger(module.tagger, settings.head, settings.crf, provenance, weights)
    save_bundle(bundle, folder / BUNDLE)
    print(f"bundle:  {folder / BUNDLE}")
    if cfg.test:
        write_report(rows, confusion, folder)
        log_report(trainer.loggers, rows, folder, folder / BUNDLE)
        print(f"metrics: {folder / METRICS_FILE}")
    return metrics


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
    # A sweep on a machine that also has Slurm need not use it.
    warnings.filterwarnings("ignore", message="The `srun` command is available")
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


def _log_settings(loggers: list[Logger], cfg: DictConfig, module: SignalPeptideModule) -> None:
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    settings["parameters"] = {
        "all": sum(size for size, _ in sizes),
        "trained": sum(size for size, is_trained in sizes if is_trained),
    }
    if HydraConfig.initialized():
        # Names such as lora, by which runs are compared, beside what these stand for.
        chosen = HydraConfig.get().runtime.choices
        settings["choices"] = {group: chosen[group] for group in _COMPARED if group in chosen}
    for logger in loggers:
        logger.log_hyperparams(settings)


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
