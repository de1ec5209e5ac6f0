"""One training run, from its configuration to its bundle."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig

from peftsp.allocator import keep_freed_memory
from peftsp.backbone.quantization import NF4Linear
from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.model.bundle import read_bundle
from peftsp.model.checks import check_types
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.training.cost import CostMeter
from peftsp.training.loggers import finish_wandb
from peftsp.training.module import SignalPeptideModule
from peftsp.training.outcome import FittedRun, end_run, settings_of
from peftsp.training.preemption import saving_before_the_end
from peftsp.training.run_folder import BUNDLE, find_start, is_finished

_COMPARED = ("backbone", "peft", "data", "head", "optimizer", "scheduler")


def train(cfg: DictConfig, watchers: Sequence[Callback] = ()) -> dict[str, float]:
    """Train, test the best checkpoint, write tables, bundle and record.

    Args:
        cfg: As composed from ``conf/train.yaml``. With ``test: false`` the test partition is left
            alone, and there are no tables.
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
    run = _set_up(cfg, watchers)
    has_ended = False
    try:
        _log_settings(run)
        keep_freed_memory()
        with saving_before_the_end(run.trainer):
            run.trainer.fit(
                run.module, datamodule=run.data, ckpt_path=checkpoint, weights_only=True
            )
            metrics = end_run(run)
        has_ended = True
    finally:
        finish_wandb(run.trainer.loggers, has_failed=not has_ended)
    return metrics


def _set_up(cfg: DictConfig, watchers: Sequence[Callback]) -> FittedRun:
    data: SignalPeptideData = instantiate(cfg.data)
    module, head, crf = _module(cfg)
    # Counted here, since some strategies share the parameters out over processes.
    parameters = _parameter_counts(module)
    meter = CostMeter()
    trainer = _trainer(cfg, [*watchers, meter])
    return FittedRun(cfg, data, module, head, crf, parameters, meter, trainer)


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


def _parameter_counts(module: SignalPeptideModule) -> dict[str, int]:
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in module.parameters() if not p.requires_grad)
    in_nf4 = sum(m.n_weights for m in module.modules() if isinstance(m, NF4Linear))
    return {"all": trained + frozen + in_nf4, "trained": trained}


def _trainer(cfg: DictConfig, watchers: Sequence[Callback]) -> Trainer:
    callbacks: list[Callback] = [instantiate(c) for c in cfg.callbacks.values() if c]
    loggers: list[Logger] = [instantiate(c) for c in cfg.logger.values() if c]
    trainer: Trainer = instantiate(
        cfg.trainer,
        callbacks=[*callbacks, *watchers],
        logger=loggers,
        default_root_dir=cfg.paths.output_dir,
        enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
    )
    return trainer


def _log_settings(run: FittedRun) -> None:
    settings = settings_of(run.cfg) | {"parameters": run.parameters}
    if HydraConfig.initialized():
        # Names such as lora, by which runs are compared, beside what these stand for.
        chosen = HydraConfig.get().runtime.choices
        settings["choices"] = {group: chosen[group] for group in _COMPARED if group in chosen}
    for logger in run.trainer.loggers:
        logger.log_hyperparams(settings)


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
