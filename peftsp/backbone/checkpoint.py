"""A backbone with its weights, from whatever file holds them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import psutil
import torch
from torch import Tensor

import peftsp
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.fair_esm import fetch_release, read_fair_esm_file
from peftsp.backbone.hugging_face import read_esm_folder
from peftsp.backbone.quantization import hold_in_nf4, nf4_layers, nf4_parts
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.backbone.tensor_files import check_finite
from peftsp.errors import CheckpointError, ConfigError
from peftsp.files import is_there
from peftsp.hub import fetch_model, is_on_hub, pin

RANDOM = "random"
"""In place of a file: weights are drawn."""

_CONFIG = "config.json"
_PACKAGED = re.compile(r"\w+")
_LAYER = re.compile(r"layers\.(\d{1,6})\.")

PRETRAINED = Path(peftsp.__file__).parent / "pretrained"
"""Weights that the package itself holds, a folder a model."""

_DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}


def lasting_place(checkpoint: str | None) -> str | None:
    """Where weights lie, whatever folder a bundle that names them is read from later, and whenever.

    >>> lasting_place(None), lasting_place("random")
    (None, 'random')
    """
    if checkpoint is None or checkpoint == RANDOM:
        return checkpoint
    return pin(checkpoint) if is_on_hub(checkpoint) else str(Path(checkpoint).absolute())


def load_backbone(
    spec: BackboneSpec,
    checkpoint: str | None = None,
    seed: int = 0,
    dtype: str = "float32",
    activation_checkpointing: bool = False,
    quantization: str | None = None,
) -> ESM2:
    """Build a backbone and fill it.

    The module is made without memory of its own and takes the tensors as they were read, so that
    no more than one copy of the weights exists. They are quantized one at a time, from a file that
    is mapped into memory.

    Args:
        spec: The architecture.
        checkpoint: See `BackboneSource`.
        seed: See `BackboneSource`.
        dtype: ``float32``, ``bfloat16``, ``float16`` or ``float64``; in which the weights are held.
        activation_checkpointing: See `peftsp.backbone.esm2.ESM2`.
        quantization: See `BackboneSource`.

    Returns:
        The backbone; its attribute ``source`` tells where it came from, ``content_hash`` identifies
        its weights.

    Raises:
        ConfigError: ``dtype`` or ``quantization`` is unknown, or bitsandbytes is not installed.
        CheckpointError: The weights are missing, broken, or of another architecture.
        DownloadError: The published weights cannot be fetched.
    """
    floats = find_dtype(dtype)
    weights, found = read_weights(BackboneSource(spec, checkpoint, seed, quantization))
    source = BackboneSource(found, checkpoint, seed, quantization)
    digest = content_hash(weights)
    held = hold_weights(weights, source, floats)
    return build_backbone(source, held, digest, activation_checkpointing)


def find_dtype(name: str) -> torch.dtype:
    """The dtype that a setting names.

    Raises:
        ConfigError: There is no such dtype.
    """
    if name not in _DTYPES:
        raise ConfigError(f"backbone.dtype: expected one of {', '.join(_DTYPES)}, found {name!r}")
    return _DTYPES[name]


def hold_weights(
    weights: dict[str, Tensor],
    source: BackboneSource,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
) -> dict[str, Tensor]:
    """Tensors as a backbone computes with them.

    Args:
        weights: Tensors by parameter name, as `read_weights` gives them.
        source: Where they came from; says which are quantized.
        dtype: Of those that are not.
        device: Where to put them.
    """
    layers: set[str] = set()
    if source.quantization:
        with torch.device("meta"):
            layers = {f"{name}.weight" for name in nf4_layers(ESM2(source.spec))}
    held = {}
    for name, tensor in weights.items():
        if name in layers:
            prefix = name.removesuffix("weight")
            held.update({prefix + k: v.to(device) for k, v in nf4_parts(tensor).items()})
        else:
            held[name] = tensor.to(device, dtype)
    return held


def build_backbone(
    source: BackboneSource,
    weights: dict[str, Tensor],
    digest: str,
    activation_checkpointing: bool = False,
) -> ESM2:
    """A backbone that holds the very tensors it is given; several may share them.

    Args:
        source: Where the weights came from.
        weights: What `hold_weights` gives.
        digest: `content_hash` of what was read.
        activation_checkpointing: See `peftsp.backbone.esm2.ESM2`.
    """
    backbone = empty_backbone(source, activation_checkpointing)
    backbone.load_state_dict(weights, assign=True)
    backbone.content_hash = digest
    return backbone


def empty_backbone(source: BackboneSource, activation_checkpointing: bool = False) -> ESM2:
    """A backbone without weights, on the meta device; it takes no memory.

    Args:
        source: Where its weights would come from, and how they would be held.
        activation_checkpointing: See `peftsp.backbone.esm2.ESM2`.
    """
    with torch.device("meta"):
        backbone = ESM2(source.spec, activation_checkpointing)
        if source.quantization:
            hold_in_nf4(backbone)
    backbone.source = source
    return backbone


def read_weights(source: BackboneSource) -> tuple[dict[str, Tensor], BackboneSpec]:
    """The tensors of a backbone by parameter name, checked against its architecture.

    Returns:
        The tensors; and the architecture, in which ``half_rotary`` is as the file says, if it does.

    Raises:
        CheckpointError: They are missing, broken, or of another architecture.
        DownloadError: The published weights cannot be fetched.
    """
    if source.checkpoint == RANDOM:
        _check_room(source.spec)
        backbone = ESM2(source.spec)
        backbone.reset_parameters(source.seed)
        weights = {name: tensor.detach() for name, tensor in backbone.state_dict().items()}
        return weights, source.spec
    path = _located(source)
    if is_there(path) and path.is_dir():
        weights, shape = read_esm_folder(path)
    elif is_there(path):
        weights, shape = read_fair_esm_file(path)
    else:
        raise CheckpointError(
            f"{path}: expected a fair-esm .pt file or an EsmModel folder, found nothing there"
        )
    _check(weights, shape.head_width, source.spec, path)
    if shape.half_rotary is None:
        return weights, source.spec
    return weights, replace(source.spec, half_rotary=shape.half_rotary)


def _located(source: BackboneSource) -> Path:
    if source.checkpoint is None:
        return _published(source.spec)
    is_hub = is_on_hub(source.checkpoint)
    return fetch_model(source.checkpoint) if is_hub else Path(source.checkpoint)


def _check_room(spec: BackboneSpec) -> None:
    needed, free = 4 * spec.parameters, psutil.virtual_memory().available
    if needed > free:
        raise CheckpointError(
            f"backbone {spec.name}: expected memory for {needed / 1e9:,.1f} GB of random weights, "
            f"found {free / 1e9:,.1f} GB"
        )


def _published(spec: BackboneSpec) -> Path:
    """Where the weights of a name lie: in the package, else in the torch-hub cache."""
    # The name may come from a bundle that others made, and shall lead nowhere else.
    is_packaged = _PACKAGED.fullmatch(spec.name) and is_there(PRETRAINED / spec.name / _CONFIG)
    return PRETRAINED / spec.name if is_packaged else fetch_release(spec)


def content_hash(weights: dict[str, Tensor]) -> str:
    """SHA-256 over names, shapes and float32 values, whatever file or dtype they came in.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def infer_spec(weights: dict[str, Tensor], head_width: int, name: str) -> BackboneSpec:
    """The architecture that tensors belong to.

    Args:
        weights: Tensors by parameter name.
        head_width: Features of one attention head, which the tensors do not show.
        name: What to call it.

    Raises:
        KeyError: There is no embedding among the tensors.
    """
    numbers = (match[1] for match in map(_LAYER.match, weights) if match)
    layers = 1 + max(map(int, numbers), default=-1)
    width = weights["embed_tokens.weight"].shape[-1]
    return BackboneSpec(name, layers, width, width // head_width)


def _check(
    weights: dict[str, Tensor], head_width: int | None, spec: BackboneSpec, path: Path
) -> None:
    embedding = weights.get("embed_tokens.weight")
    if embedding is None or embedding.dim() != 2:
        raise CheckpointError(f"{path}: expected the weights of an ESM-2, found no embed_tokens")
    width = embedding.shape[-1]
    if head_width is not None and (head_width < 1 or width % head_width or width < head_width):
        raise CheckpointError(
            f"{path}: expected attention heads that divide the width {width}, found heads of "
            f"{head_width} features"
        )
    found = infer_spec(weights, head_width or spec.head_width, spec.name)
    if (found.layers, found.width, found.heads) != (spec.layers, spec.width, spec.heads):
        raise CheckpointError(
            f"{path}: expected {spec.name} with {spec.layers} layers of width {spec.width} and "
            f"{spec.heads} heads, found {found.layers} layers of width {found.width} and "
            f"{found.heads} heads"
        )
    with torch.device("meta"):
        expected = ESM2(spec).state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        verdict = "an unknown one" if name in weights else "one missing"
        raise CheckpointError(
            f"{path}: expected the tensors of {spec.name}, found {verdict}: {name}"
        )
    for name, tensor in expected.items():
        if weights[name].shape != tensor.shape:
            raise CheckpointError(
                f"{path}: {name}: expected shape {tuple(tensor.shape)}, "
                f"found {tuple(weights[name].shape)}"
            )
    check_finite(weights, str(path))
