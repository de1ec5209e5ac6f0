"""One training run, from its configuration to its bundle."""

from __future__ import annotations

import logging
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.accelerators import CPUAccelerator
from omegaconf import DictConfig

import peftsp
from peftsp.allocator import keep_freed_memory
from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.processor import multiplies_bfloat16
from peftsp.runs.folder import RunFolder, now
from peftsp.runs.identity import contents_of
from peftsp.runs.record import RunRecord, read_record
from peftsp.training.build import (
    build_data,
    build_module,
    build_start,
    build_trainer,
    count_parameters,
    hash_of_checkpoint,
    settings_of,
)
from peftsp.training.cost import CostMeter
from peftsp.training.ending import FittedRun, end_run
from peftsp.training.loggers import finish_wandb
from peftsp.training.module import SignalPeptideModule
from peftsp.training.preemption import saving_before_the_end
from peftsp.training.processes import check_processes, is_first_process
from peftsp.training.settings import check_settings
from peftsp.training.start import Start

_LOADER_SIGNS = ("DataLoader worker", "shared memory", "unable to open shared")
_OF_THE_TRAINER = {"`val_check_interval`": "val_check_interval", "SLURM": "devices"}
"""Settings that Lightning refuses late, by what it says of them."""
_COMPARED = ("backbone", "peft", "data", "head", "optimizer", "scheduler")


def train(cfg: DictConfig, watchers: Sequence[Callback] = ()) -> dict[str, float]:
    """Train, test the best checkpoint, write tables, bundle and record.

    Args:
        cfg: As composed from ``conf/train.yaml``. With ``test: false`` the test partition is left
            alone, and there are no tables.
        watchers: Callbacks beside those of the configuration.

    Returns:
        Test metrics and the best validation score by name; those of the record for a run that had
        been finished before.

    Raises:
        PeftspError: A setting, a file or the data is wrong, the run found in the folder is another
            one, or the loss is not finite.
    """
    _quieten()
    check_settings(cfg)
    _seed(cfg.seed)
    data = build_data(cfg)
    start = build_start(cfg)
    module, head, crf = build_module(cfg, start)
    record = _record(cfg, data, module, start)
    folder = RunFolder(Path(cfg.paths.output_dir), is_first=is_first_process(cfg.trainer))
    with folder.locked():
        begin = folder.find_start(
            cfg.ckpt_path, cfg.overwrite, record.settings, contents_of(record)
        )
        if begin.is_finished:
            folder.say(f"{folder.path}: this run is finished, nothing to do", is_kept=False)
            return read_record(folder.path).metrics or {}
        if begin.goes_on:
            record = _begun_as(read_record(folder.path), record)
        # Counted here, since some strategies share the parameters out over processes.
        parameters = count_parameters(module)
        meter = CostMeter(record.settings["trainer"].get("max_time"))
        trainer = build_trainer(cfg, [*watchers, meter])
        check_processes(trainer)
        run = FittedRun(
            cfg, folder, record, data, start, module, head, crf, parameters, meter, trainer
        )
        return _fit_and_test(run, begin.checkpoint)


def _emulates_bfloat16(trainer: Trainer) -> bool:
    is_on_cpu = isinstance(trainer.accelerator, CPUAccelerator)
    return is_on_cpu and trainer.precision == "bf16-mixed" and not multiplies_bfloat16()


def _facts(run: FittedRun) -> Iterator[str]:
    """What a run says of itself before it trains."""
    sizes = ", ".join(f"{count:,} {name}" for name, count in run.record.splits.items())
    yield f"proteins: {sizes}"
    yield f"fold {run.cfg.data.fold}: {run.data.folds()[run.cfg.data.fold]}"
    trained, of_all = run.parameters["trained"], run.parameters["all"]
    yield f"parameters: {trained:,} of {of_all:,} train ({trained / of_all:.2%})"
    yield f"device: {run.record.device}"
    if _emulates_bfloat16(run.trainer):
        yield (
            "trainer.precision: bfloat16 is slow here, as the processor has no instructions "
            "for it; trainer.precision=32-true is not"
        )
    if run.start:
        was, now_has = run.start.bundle.peft["method"], run.module.tagger.method.label
        goes_on = "goes on training" if run.start.is_kept else f"is merged, {now_has} put on top"
        yield f"from {run.start.name}: its {was} {goes_on}"
        if run.record.start_has_seen:
            yield (
                f"init_from: {run.record.start_has_seen:,} test proteins have trained or "
                f"chosen {run.start.name}: scores will be too high"
            )
    yield from run.data.records.notes


def _fit_and_test(run: FittedRun, checkpoint: Path | None) -> dict[str, float]:
    trainer, has_ended = run.trainer, False
    try:
        _log_settings(run)
        run.folder.write(run.record)
        for line in _facts(run):
            run.folder.say(line)
        keep_freed_memory()
        with saving_before_the_end(trainer):
            trainer.fit(run.module, datamodule=run.data, ckpt_path=checkpoint, weights_only=True)
            metrics = end_run(run)
        has_ended = True
    except SystemExit as end:
        # Lightning's way to end at Ctrl-C, which says nothing. Others, such as a handler that has
        # requeued the job, end the process as they like.
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    except ValueError as error:
        for sign, setting in _OF_THE_TRAINER.items():
            if sign in str(error):
                raise ConfigError(f"trainer.{setting}: {' '.join(str(error).split())}") from error
        raise
    except RuntimeError as error:
        if any(sign in str(error) for sign in _LOADER_SIGNS):
            reason = " ".join(str(error).split())
            raise ConfigError(
                f"data.num_workers: expected 0 where processes cannot share memory, "
                f"found {run.cfg.data.num_workers} ({reason})"
            ) from error
        raise
    finally:
        finish_wandb(trainer.loggers, has_failed=not has_ended)
    return metrics


def _record(
    cfg: DictConfig, data: SignalPeptideData, module: SignalPeptideModule, start: Start | None
) -> RunRecord:
    tagger, dataset = module.tagger, data.identity()
    return RunRecord(
        name=cfg.name,
        method=tagger.method.label,
        backbone=tagger.backbone.spec.name,
        backbone_sha256=tagger.backbone.content_hash,
        fold=cfg.data.fold,
        seed=cfg.seed,
        dataset=dataset,
        extra_sha256=data.extra_sha256(),
        start_sha256=start.sha256 if start else None,
        checkpoint_sha256=hash_of_checkpoint(cfg.ckpt_path),
        start_has_seen=start.has_seen(data.records.splits["test"]) if start else 0,
        splits=data.records.sizes(),
        settings=settings_of(cfg),
        versions={"peftsp": peftsp.__version__, "torch": torch.__version__},
        commit=_commit(Path(peftsp.__file__).parents[1]),
        device=_device(cfg.trainer.accelerator),
        begun=now(),
    )


def _begun_as(kept: RunRecord, record: RunRecord) -> RunRecord:
    """A record of a later start: when the run began, and from what, stays as it was."""
    settings = {**record.settings, "ckpt_path": kept.settings.get("ckpt_path")}
    checkpoint = kept.checkpoint_sha256
    return replace(record, begun=kept.begun, settings=settings, checkpoint_sha256=checkpoint)


def _commit(checkout: Path) -> str | None:
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40"]
    command.append("--exclude=*")  # tags
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip() or None


def _device(accelerator: str) -> str:
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "Apple GPU"
    return f"{torch.get_num_threads()} CPU threads"


def _log_settings(run: FittedRun) -> None:
    record = run.record
    settings = record.settings | {
        "parameters": run.parameters,
        "sha256": {"data": record.dataset.sha256, "backbone": record.backbone_sha256},
    }
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
    # Its new name is that of PyTorch 2.13 and later only.
    warnings.filterwarnings("ignore", message=".*`broadcast_buffers` is deprecated.*")
    # The data module goes on with the next batch.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # A sweep on a machine that also has Slurm need not use it.
    warnings.filterwarnings("ignore", message="The `srun` command is available")
    # The metrics gather over processes by themselves.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")
