"""Weights & Biases, without ever asking for an account."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import wandb
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from peftsp.errors import ConfigError
from peftsp.runs.credentials import without_credentials
from peftsp.runs.folder import WANDB_ID

_PATIENCE = 5
"""Seconds to wait for the server."""


def wandb_logger(
    offline: bool | None, save_dir: str, id: str | None = None, **settings: Any
) -> WandbLogger:
    """A logger that records offline where no account is configured.

    Args:
        offline: True or False decides; None asks the environment: ``WANDB_MODE``, else whether an
            API key is known. A server that cannot be reached makes a run offline, too; ``wandb
            sync`` uploads it later.
        save_dir: The run's folder.
        id: Of the run in Weights & Biases; None takes the one that a sweep's agent gives, else one
            that is drawn once and kept in the folder, so that a run which is gone on with goes on
            there too, and no two runs share one.
        **settings: Settings of `lightning.pytorch.loggers.WandbLogger`.

    Raises:
        ConfigError: What is configured is no API key.
    """
    if offline is None and "WANDB_MODE" not in os.environ:
        offline = not _has_key()
    wants_online = offline is False or os.environ.get("WANDB_MODE") == "online"
    if wants_online and (reason := _unreachable()):
        _say(f"Weights & Biases: {reason}: recorded offline; wandb sync uploads it later")
        offline = True
    # Lightning's own setting changes WANDB_MODE, which wandb no longer reads by then.
    mode = None if offline is None else "offline" if offline else "online"
    # Outside of an agent an exported id would be that of all runs.
    of_agent = os.environ.get("WANDB_RUN_ID") if "WANDB_SWEEP_ID" in os.environ else None
    run_id = id or of_agent or _kept_id(Path(save_dir))
    return _Logger(mode=mode, save_dir=save_dir, id=run_id, **settings)


class _Logger(WandbLogger):
    """Lets the program's arguments be recorded without credentials."""

    @property
    def experiment(self) -> Any:
        """The run in Weights & Biases, which is begun at the first call.

        Raises:
            ConfigError: It cannot be begun.
        """
        arguments = sys.argv
        sys.argv = without_credentials(arguments)
        try:
            return super().experiment
        except wandb.Error as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"logger.wandb: expected a run to log to, found: {reason}") from error
        finally:
            sys.argv = arguments


def _has_key() -> bool:
    """Whether an account is configured, without asking a server, which would need the network."""
    try:
        return bool(wandb.login(prompt=False, verify=False))
    except (wandb.Error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"WANDB_API_KEY: expected an API key, found another text ({reason})"
        ) from None


def _unreachable() -> str | None:
    """Why the server, or the proxy that leads there, cannot be reached; None if it can."""
    server = urlsplit(wandb.setup().settings.base_url)
    name = server.hostname or ""
    proxy = None if proxy_bypass(name) else getproxies().get(server.scheme)
    address = urlsplit(proxy) if proxy else server
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), _PATIENCE).close()
    except (OSError, ValueError) as error:
        way = f" by {address.hostname}" if proxy else ""
        return f"{name} cannot be reached{way} ({error})"
    return None


@rank_zero_only
def _say(line: str) -> None:
    print(line, flush=True)


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
        path.write_text(f"{secrets.token_hex(8)}\n", encoding="utf-8", newline="\n")
    return path.read_text(encoding="utf-8").strip()
