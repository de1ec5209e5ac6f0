"""The folder of a run: what an earlier start left in it, and what to go on from."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_only

from peftsp.errors import CheckpointError, ConfigError
from peftsp.model.bundle import CONFIG_FILE
from peftsp.runs import LOGS, RUN_FILE
from peftsp.training.resume import LAST

BUNDLE = "bundle"
CHECKPOINTS = "checkpoints"
WANDB_ID = "wandb_id.txt"
ERROR_LOG = "error.log"


def is_finished(folder: Path) -> bool:
    """Whether a run in this folder has come to its end."""
    return (folder / BUNDLE / CONFIG_FILE).exists() and (folder / RUN_FILE).exists()


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def has_begun(folder: Path) -> bool:
    """Whether a run in this folder has left something to go on from, or has come to its end."""
    return (folder / CHECKPOINTS / f"{LAST}.ckpt").exists() or is_finished(folder)


def find_start(folder: Path, ckpt_path: str | None, overwrite: bool) -> str | None:
    """The checkpoint to go on from.

    Args:
        folder: The run's folder.
        ckpt_path: A checkpoint, ``last`` for the run's own last resume point, None for none.
        overwrite: Delete what an earlier run left, where nothing is to be gone on from.

    Returns:
        A path; None to start from the beginning.

    Raises:
        ConfigError: There is no such checkpoint, or an earlier run would be overwritten.
        CheckpointError: The checkpoint cannot be read.
    """
    last = folder / CHECKPOINTS / f"{LAST}.ckpt"
    if ckpt_path == LAST:
        if not last.exists() and not is_finished(folder):
            print(f"{last}: no such checkpoint, starting from the beginning")
        return str(last) if last.exists() else None
    if ckpt_path is not None:
        if not Path(ckpt_path).is_file():
            raise ConfigError(f"ckpt_path: expected a checkpoint or 'last', found {ckpt_path}")
        _check_checkpoint(ckpt_path)
        return ckpt_path
    if overwrite:
        (folder / RUN_FILE).unlink(missing_ok=True)
        shutil.rmtree(folder / BUNDLE, ignore_errors=True)
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        _delete_logs(folder)
    elif has_begun(folder):
        state = "a finished run" if is_finished(folder) else "an unfinished run"
        raise ConfigError(
            f"{folder}: expected no earlier run there, found {state}: ckpt_path=last goes on with "
            f"it, overwrite=true starts over, name=… takes another folder"
        )
    return None


@rank_zero_only
def _delete_logs(folder: Path) -> None:
    # In the other processes it may come late, when the first has begun to log.
    shutil.rmtree(folder / LOGS, ignore_errors=True)
    (folder / WANDB_ID).unlink(missing_ok=True)


def _check_checkpoint(path: str) -> None:
    try:
        saved = torch.load(path, map_location="meta", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{path}: expected a checkpoint of a training run, found a file that cannot be read "
            f"as one ({reason})"
        ) from error
    if not isinstance(saved, dict) or not {"state_dict", "loops"} <= saved.keys():
        raise CheckpointError(f"{path}: expected a checkpoint of a training run, found other data")
