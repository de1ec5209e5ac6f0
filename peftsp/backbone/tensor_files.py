"""Tensors out of files that others wrote, none of which is executed or believed unseen."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from peftsp.errors import CheckpointError, PeftspError
from peftsp.files import check_regular, shown

_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def read_safetensors(path: Path, error: type[PeftspError] = CheckpointError) -> dict[str, Tensor]:
    """Tensors of a safetensors file by name.

    Raises:
        PeftspError: ``error``: the file is missing, truncated or another one.
    """
    check_regular(path, error)
    try:
        return load_file(path)
    # Whatever its reader stumbles over in a broken file.
    except Exception as reason:
        raise error(
            f"{path}: expected a complete safetensors file, found {path.stat().st_size:,} bytes "
            f"that cannot be read as one ({shown(reason)})"
        ) from reason


def write_safetensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a file for those who may read what else its folder gets.

    Raises:
        OSError: The file cannot be written.
    """
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(dict(tensors), path, dict(metadata or {"format": "pt"}))
    except SafetensorError as error:
        raise OSError(f"{path}: cannot be written ({error})") from error
    # Safetensors makes files that only their owner may read.
    path.chmod(mode)


def read_pickled_tensors(path: Path, allowed: Sequence[type]) -> Any:
    """Content of a ``torch.save`` file, with unpickling confined to tensors and given types.

    Raises:
        CheckpointError: The file is truncated, no checkpoint, or asks for another type.
    """
    check_regular(path, CheckpointError)
    try:
        with torch.serialization.safe_globals(list(allowed)):
            try:
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            except RuntimeError as error:
                if "mmap can only be used" not in str(error):
                    raise
                return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        found = f"a reference to {wanted[1]}" if wanted else "data that is no such file"
        raise CheckpointError(
            f"{path}: expected a file of tensors and plain containers, found {found}"
        ) from error
    # Whatever the unpickler stumbles over in a broken file.
    except Exception as error:
        size = path.stat().st_size
        raise CheckpointError(
            f"{path}: expected a complete PyTorch checkpoint, found {size:,} bytes that cannot be "
            f"read as one; a download that broke off looks like this: delete the file and fetch it "
            f"again"
        ) from error


def tensor_table(content: Any) -> dict[str, Tensor] | None:
    """What was read as tensors by name; None if it is something else."""
    if not isinstance(content, dict):
        return None
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()):
        return None
    return dict(content)


def check_plain(
    tensors: Mapping[str, Tensor], place: str, error: type[PeftspError] = CheckpointError
) -> None:
    """Check that tensors are what can be computed with: dense floats that are there.

    Raises:
        PeftspError: ``error``: one is sparse, quantized, complex, without data or of another type.
    """
    for name, tensor in tensors.items():
        found = None
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
            found = "a sparse, quantized or nested one"
        elif tensor.is_meta:
            found = "one without data"
        elif tensor.dtype not in _FLOATS:
            found = str(tensor.dtype).removeprefix("torch.")
        if found:
            raise error(f"{place}: {name}: expected a dense float tensor, found {found}")


def check_finite(
    tensors: Mapping[str, Tensor], place: str, error: type[PeftspError] = CheckpointError
) -> None:
    """Check that tensors hold finite numbers only.

    Args:
        tensors: Their shapes have been checked: a small file may claim large ones.
        place: What messages call the file.
        error: What to raise.

    Raises:
        PeftspError: ``error``: one holds NaN or infinity.
    """
    for name, tensor in tensors.items():
        # A sum is finite only if all its terms are; where it overflows, they are looked at.
        is_sure = bool(tensor.sum(dtype=torch.float64).isfinite())
        if not is_sure and not bool(tensor.isfinite().all()):
            raise error(f"{place}: {name}: expected finite numbers, found NaN or infinity")
