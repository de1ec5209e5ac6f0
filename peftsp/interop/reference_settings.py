"""What the tensors of a published reference (PEFT-SP) checkpoint tell of its settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from peftsp.backbone.rotary import is_half
from peftsp.backbone.specs import BackboneSpec
from peftsp.backbone.tensor_files import check_plain
from peftsp.crf.constraints import TABLES, constraint_table
from peftsp.errors import CheckpointError
from peftsp.interop.layers import count_last_layers, is_lora, lora_extent
from peftsp.interop.reference_names import ReferenceTensors, reference_key
from peftsp.peft.adapter import Adapter
from peftsp.peft.base import PeftMethod
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt

PUBLISHED_DROPOUT = 0.1
"""Dropout before the emission layer and in LoRA layers, which no tensor tells."""

_LAYER = re.compile(r"layers\.(\d+)\.")
_ADAPTER = re.compile(r"layers\.(\d+)\.after_(?:attention|feed_forward)\.")
_PROMPT = re.compile(r"(?:prompts|mlps)\.(\d+)(?:\.|$)")


def infer_backbone(tensors: ReferenceTensors, name: str, place: str) -> BackboneSpec:
    """The architecture of the backbone in a checkpoint.

    Args:
        tensors: The checkpoint.
        name: What to call the backbone.
        place: Where the checkpoint is, for errors.

    Raises:
        CheckpointError: Tensors that would tell are missing or of another kind.
        ConfigError: There can be no backbone of that size.
    """
    _, width = _matrix_size(tensors.backbone, "embed_tokens.weight", place)
    layers = _layers(tensors.backbone, _LAYER)
    missing = next(index for index in range(len(layers) + 1) if index not in layers)
    if missing < max(len(layers), 1):
        raise CheckpointError(
            f"{place}: expected every layer of a backbone, found none of layer {missing}"
        )
    head_width, half_rotary = _attention_shape(tensors.frequencies, place)
    if width % head_width:
        raise CheckpointError(
            f"{place}: expected a width that attention heads of {head_width} features divide, "
            f"found {width}"
        )
    heads = width // head_width
    return BackboneSpec(name, len(layers), width, heads, half_rotary=half_rotary)


def infer_method(
    backbone: Mapping[str, Tensor], spec: BackboneSpec, lora_alpha: float, place: str
) -> PeftMethod:
    """The PEFT method of a checkpoint and its settings.

    Args:
        backbone: Tensors of the backbone and of the method by parameter name.
        spec: The backbone's sizes.
        lora_alpha: Scale of LoRA's update, which no tensor tells.
        place: Where the checkpoint is, for errors.

    Raises:
        CheckpointError: There are tensors of several methods, or of layers that no setting of ours
            selects.
        ConfigError: A size or ``lora_alpha`` is not positive.
    """
    found = {
        "LoRA": any(map(is_lora, backbone)),
        "adapters": bool(_layers(backbone, _ADAPTER)),
        "prompts": bool(_layers(backbone, _PROMPT)),
    }
    if sum(found.values()) > 1:
        names = " and ".join(name for name, is_found in found.items() if is_found)
        raise CheckpointError(f"{place}: expected tensors of one PEFT method, found {names}")
    if found["LoRA"]:
        return _infer_lora(backbone, spec, lora_alpha, place)
    if found["adapters"]:
        return _infer_adapter(backbone, spec, place)
    if found["prompts"]:
        return _infer_prompt(backbone, spec, place)
    return Frozen()


def infer_table(masks: Mapping[str, Tensor], place: str) -> str:
    """Name of the constraint table in a checkpoint, see `peftsp.crf.constraints`.

    Args:
        masks: See `peftsp.interop.reference_names.ReferenceTensors`.
        place: Where the checkpoint is, for errors.

    Raises:
        CheckpointError: It is none of ours.
    """
    found = {field: mask.bool() for field, mask in masks.items()}
    for name in TABLES:
        table = constraint_table(name)._asdict()
        if all(field in found and torch.equal(found[field], table[field]) for field in table):
            return name
    raise CheckpointError(
        f"{place}: expected crf._constraint_mask, crf._constraint_start_mask and "
        f"crf._constraint_end_mask to allow what is published or everything, found something else"
    )


def _infer_lora(
    backbone: Mapping[str, Tensor], spec: BackboneSpec, alpha: float, place: str
) -> LoRA:
    targets, last_k = lora_extent(backbone, spec, place)
    module = next(name for name in sorted(backbone) if is_lora(name)).rpartition(".")[0]
    rank, _ = _matrix_size(backbone, f"{module}.lora_A", place)
    return LoRA(rank, alpha, PUBLISHED_DROPOUT, targets, last_k)


def _infer_adapter(backbone: Mapping[str, Tensor], spec: BackboneSpec, place: str) -> Adapter:
    last_k = count_last_layers(_layers(backbone, _ADAPTER), spec, "adapters", place)
    inner, _ = _matrix_size(
        backbone, f"layers.{spec.layers - 1}.after_attention.down.weight", place
    )
    return Adapter(last_k, inner, identity=False)


def _infer_prompt(backbone: Mapping[str, Tensor], spec: BackboneSpec, place: str) -> Prompt:
    layers = _layers(backbone, _PROMPT)
    where, last_k = "topmost", None
    if layers == set(range(spec.layers)):
        where = "all"
    elif layers == {0}:
        where = "first"
    elif layers == {spec.layers - 1}:
        where = "last"
    else:
        last_k = count_last_layers(layers, spec, "prompts", place)
    layer = min(layers)
    length, _ = _matrix_size(backbone, f"prompts.{layer}", place)
    inner = None
    if any(name.startswith("mlps.") for name in backbone):
        inner, _ = _matrix_size(backbone, f"mlps.{layer}.down.weight", place)
    return Prompt(where, length, last_k, inner)


def _layers(names: Iterable[str], pattern: re.Pattern[str]) -> set[int]:
    return {int(match[1]) for match in map(pattern.match, names) if match}


def _matrix_size(tensors: Mapping[str, Tensor], name: str, place: str) -> tuple[int, int]:
    tensor = tensors.get(name)
    if tensor is None or tensor.dim() != 2:
        raise CheckpointError(
            f"{place}: expected a matrix {reference_key(f'backbone.{name}')}, "
            f"found {'none' if tensor is None else f'the shape {tuple(tensor.shape)}'}"
        )
    return tensor.shape[0], tensor.shape[1]


def _attention_shape(frequencies: Mapping[str, Tensor], place: str) -> tuple[int, bool]:
    """Features of an attention head, and whether the frequencies are of half precision."""
    shapes = set()
    check_plain(frequencies, place)
    for name, found in sorted(frequencies.items()):
        half = is_half(found)
        if half is None or not found.numel():
            raise CheckpointError(
                f"{place}: {reference_key(name)}: expected the rotary frequencies of an ESM-2, "
                f"found others"
            )
        shapes.add((2 * found.numel(), half))
    if len(shapes) != 1:
        raise CheckpointError(
            f"{place}: expected tensors rot_emb.inv_freq, which tell the size of an attention "
            f"head, found {'several sizes' if shapes else 'none'}"
        )
    return shapes.pop()
