"""ESM-2 weights in the files of the fair-esm package: reading, finding and fetching them."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pooch
import torch
from torch import Tensor

from peftsp.backbone.rotary import AttentionShape
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import CheckpointError, DownloadError

_URL = "https://dl.fbaipublicfiles.com/fair-esm/models/{release}.pt"
_PREFIX = re.compile(r"^(encoder\.sentence_encoder\.|encoder\.)")
_NOT_USED = re.compile(r"^(lm_head\.|contact_head\.)|\.rot_emb\.inv_freq$")


def read_fair_esm_file(path: Path) -> tuple[dict[str, Tensor], AttentionShape]:
    """Encoder weights of a fair-esm ``.pt`` file.

    Nothing in the file is executed: beside tensors it may hold plain containers and the
    `argparse.Namespace` of fair-esm's training options, and nothing else.

    Args:
        path: A file with the entries ``cfg`` and ``model``.

    Returns:
        Tensors by `peftsp.backbone.esm2.ESM2` parameter name, in the file's dtype, mapped from disk
        where the file's format permits, without language model and contact heads; and what
        the file says of attention.

    Raises:
        CheckpointError: The file is truncated, no checkpoint, or asks for code to be run.
    """
    content = read_pickled_tensors(path, allowed=[argparse.Namespace])
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not all(isinstance(v, Tensor) for v in model.values()):
        raise CheckpointError(
            f"{path}: expected a fair-esm checkpoint with the entries cfg and model, found "
            f"{_describe(content)}"
        )
    named = {_PREFIX.sub("", name): tensor for name, tensor in model.items()}
    weights = {name: tensor for name, tensor in named.items() if not _NOT_USED.search(name)}
    frequencies = named.get("layers.0.self_attn.rot_emb.inv_freq")
    return weights, AttentionShape.of(frequencies)


def read_pickled_tensors(path: Path, allowed: Sequence[type]) -> Any:
    """Content of a ``torch.save`` file, with unpickling confined to tensors and given types.

    Raises:
        CheckpointError: The file is truncated, no checkpoint, or asks for another type.
    """
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
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        size = path.stat().st_size
        raise CheckpointError(
            f"{path}: expected a complete PyTorch checkpoint, found {size:,} bytes that cannot be "
            f"read as one; a download that broke off looks like this: delete the file and fetch it "
            f"again"
        ) from error


def fetch_release(spec: BackboneSpec) -> Path:
    """The published weights' file: from the torch-hub cache, else downloaded into it.

    Raises:
        CheckpointError: The spec has no published weights.
        DownloadError: The file cannot be fetched.
    """
    if spec.release is None:
        raise CheckpointError(
            f"backbone {spec.name}: expected backbone.checkpoint to name a file, a folder or "
            f"'random', since no weights of that name are published; found null"
        )
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / f"{spec.release}.pt"
    if path.exists():
        return path
    url = _URL.format(release=spec.release)
    try:
        pooch.retrieve(url, known_hash=None, fname=path.name, path=folder, progressbar=True)
    except (OSError, ValueError) as error:
        raise DownloadError(
            f"{url}: could not be downloaded ({type(error).__name__}); fetch it by other means and "
            f"put it at {path}, or set backbone.checkpoint to its place"
        ) from error
    return path


def _describe(content: Any) -> str:
    if isinstance(content, dict):
        names = [str(key) for key in content][:3]
        return f"the entries {', '.join(names)}{', …' if len(content) > 3 else ''}"
    return type(content).__name__
