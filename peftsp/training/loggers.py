"""Weights & Biases, without ever asking for an account."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from peftsp.runs.folder import WANDB_ID


def wandb_logger(
    offline: bool | None, save_dir: str, id: str | None = None, **settings: Any
) -> WandbLogger:
    """A logger that records offline where no account is configured.

    Args:
        offline: True or False decides; None asks the environment: ``WANDB_MODE``, else whether an
            API key is known. ``wandb sync`` uploads an offline run later.
        save_dir: The run's folder.
        id: Of the run in Weights & Biases; None takes the one that an agent has given, else one
            that is drawn once and kept in the folder, so that a run which is gone on with goes on
            there too, and no two runs share one.
        **settings: Settings of `lightning.pytorch.loggers.WandbLogger`.
    """
    if offline is None and "WANDB_MODE" not in os.environ:
        # Without asking a server whether the key is right, which would need the network.
        offline = not wandb.login(prompt=False, verify=False)
    # Lightning's own setting changes WANDB_MODE, which wandb no longer reads by then.
    mode = None if offline is None else "offline" if offline else "online"
    run_id = id or os.environ.get("WANDB_RUN_ID") or _kept_id(Path(save_dir))
    return WandbLogger(mode=mode, save_dir=save_dir, id=run_id, **settings)


def finish_wandb(loggers: list[Logger], *, has_failed: bool) -> None:
    """End the run in Weights & Biases, or the next one of a sweep would be logged to it.

    Args:
        loggers: Any loggers.
        has_failed: Whether the run is to be shown as failed.
    """
    if wandb.run is not None and any(isinstance(logger, WandbLogger) for logger in loggers):
        wandb.finish(exit_code=int(has_failed))


def _kept_id(folder: Path) -> str | None:
    # Other processes of the run do not log.
    if getattr(rank_zero_only, "rank", 0):
        return None
    path = folder / WANDB_ID
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{secrets.token_hex(8)}\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
