"""Weights & Biases, without ever asking for an account."""

from __future__ import annotations

import os
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger


def wandb_logger(offline: bool | None, **settings: Any) -> WandbLogger:
    """A logger that records offline where no account is configured.

    Args:
        offline: True or False decides; None asks the environment: ``WANDB_MODE``, else whether an
            API key is known. ``wandb sync`` uploads an offline run later.
        **settings: Settings of `lightning.pytorch.loggers.WandbLogger`.
    """
    if offline is None and "WANDB_MODE" not in os.environ:
        # Without asking a server whether the key is right, which would need the network.
        offline = not wandb.login(prompt=False, verify=False)
    # Lightning's own setting changes WANDB_MODE, which wandb no longer reads by then.
    mode = None if offline is None else "offline" if offline else "online"
    return WandbLogger(mode=mode, **settings)
