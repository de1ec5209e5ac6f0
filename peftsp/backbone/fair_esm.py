"""ESM-2 weights in the files of the fair-esm package: reading, finding and fetching them."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import pooch
import torch
from torch import Tensor

from peftsp.backbone.rotary import AttentionShape
from peftsp.backbone.specs import PUBLISHED_RELEASES, BackboneSpec
from peftsp.backbone.tensor_files import check_plain, read_pickled_tensors, tensor_table
from peftsp.errors import CheckpointError, DownloadError
from peftsp.files import shown

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
    model = tensor_table(content.get("model") if isinstance(content, dict) else None)
    if model is None:
        raise CheckpointError(
            f"{path}: expected a fair-esm checkpoint with the entries cfg and model, found "
            f"{_describe(content)}"
        )
    named = {_PREFIX.sub("", name): tensor for name, tensor in model.items()}
    weights = {name: tensor for name, tensor in named.items() if not _NOT_USED.search(name)}
    check_plain(weights, str(path))
    frequencies = named.get("layers.0.self_attn.rot_emb.inv_freq")
    return weights, AttentionShape.of(frequencies)


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
    if spec.release not in PUBLISHED_RELEASES:
        raise CheckpointError(
            f"backbone {spec.name}: expected one of the published releases "
            f"{', '.join(PUBLISHED_RELEASES)}, found {shown(spec.release)}"
        )
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / f"{spec.release}.pt"
    if path.exists():
        return path
    url = _URL.format(release=spec.release)
    # No hash of it is published. A bundle has the hash of the weights it was trained on, and
    # refuses others.
    print(
        f"downloading {url} to {folder}, about {2 * spec.parameters / 1e9:.1f} GB or more; "
        "its content is not pinned",
        file=sys.stderr,
    )
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
