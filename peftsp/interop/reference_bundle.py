"""A checkpoint of the published reference (PEFT-SP) as a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from peftsp.backbone.checkpoint import content_hash
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.backbone.tensor_files import check_finite, check_plain, read_pickled_tensors
from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import CheckpointError
from peftsp.files import shown
from peftsp.interop.reference_names import ReferenceTensors, reference_key, sort_tensors
from peftsp.interop.reference_settings import (
    PUBLISHED_DROPOUT,
    infer_backbone,
    infer_method,
    infer_table,
)
from peftsp.model.bundle import BACKBONE_FOLDER, Bundle
from peftsp.model.head import EmissionHead
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.peft.base import PeftMethod
from peftsp.peft.lora import LoRA

PUBLISHED_ALPHA = 8.0
"""LoRA's alpha in the published settings."""


def read_reference_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint file; nothing in it is executed.

    Args:
        path: What ``torch.save(model.state_dict(), path)`` wrote.

    Raises:
        CheckpointError: The file is missing, broken, or holds something else.
    """
    state = read_pickled_tensors(path, allowed=[])
    if not isinstance(state, dict):
        raise CheckpointError(
            f"{path}: expected a state dict of tensors, found {type(state).__name__}"
        )
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f"{path}: expected a state dict of tensors, found {type(value).__name__} "
                f"under {shown(key)}"
            )
    return state


def own_backbone(
    state: Mapping[str, Tensor], place: str = "checkpoint"
) -> tuple[BackboneSource, dict[str, Tensor]]:
    """The backbone that a checkpoint holds.

    Args:
        state: Tensors by key, as ``state_dict()`` of the reference gives them.
        place: Where they come from, for errors.

    Returns:
        Its source, a folder that is yet to be written inside a bundle; and its tensors by
        parameter name.

    Raises:
        CheckpointError: It is not a whole ESM-2.
    """
    tensors = sort_tensors(state, place)
    spec = infer_backbone(tensors, "reference_backbone", place)
    with torch.device("meta"):
        names = ESM2(spec).state_dict()
    weights = {name: tensors.backbone[name] for name in names if name in tensors.backbone}
    return BackboneSource(spec, BACKBONE_FOLDER), weights


def convert(
    state: Mapping[str, Tensor],
    backbone: BackboneSource,
    backbone_weights: Mapping[str, Tensor],
    lora_alpha: float = PUBLISHED_ALPHA,
    place: str = "checkpoint",
) -> Bundle:
    """Turn a checkpoint into a bundle that gives the same emissions, probabilities and paths.

    Head and CRF are those of the reference: soft constraint, free decoding. The published LoRA
    models never trained them, and so they are marked as not trainable there.

    Args:
        state: Tensors by key, as ``state_dict()`` of the reference gives them.
        backbone: The backbone that the bundle is to refer to.
        backbone_weights: Its tensors by parameter name.
        lora_alpha: Scale of LoRA's update, which no tensor tells.
        place: Where the tensors come from, for errors.

    Raises:
        CheckpointError: A tensor is missing, unknown, of a wrong shape, or tells of a setting that
            peftsp does not have; or the checkpoint was made with another backbone.
        ConfigError: A size or ``lora_alpha`` is not positive.
    """
    tensors = sort_tensors(state, place)
    spec = infer_backbone(tensors, backbone.spec.name, place)
    _check_size(spec, backbone.spec, place)
    method = infer_method(tensors.backbone, spec, lora_alpha, place)
    table = infer_table(tensors.masks, place)
    _check_tensors(tensors, _expected(spec, method), place)
    _check_values(tensors.backbone, backbone_weights, spec, place)
    names = method.parameter_names(spec)
    trained = tensors.rest | {f"backbone.{name}": tensors.backbone[name] for name in names}
    return Bundle(
        backbone=backbone,
        backbone_sha256=content_hash(dict(backbone_weights)),
        peft=method.settings(),
        head=HeadSettings(
            dropout=PUBLISHED_DROPOUT,
            kingdom_embedding=0,
            kingdom_dropout=0.0,
            trainable=not isinstance(method, LoRA),
        ),
        crf=CRFSettings(constraint="soft", table=table, decoding="free"),
        training={"converted_from": "PEFT-SP"},
        weights={name: trained[name].float().contiguous() for name in sorted(trained)},
    )


def _expected(spec: BackboneSpec, method: PeftMethod) -> dict[str, Tensor]:
    with torch.device("meta"):
        backbone = ESM2(spec)
        expected = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
        head = EmissionHead(spec.width, PUBLISHED_DROPOUT, 0, 0.0, 0, shares_types=False)
        adapted = method.apply(backbone).state_dict()
    expected |= {f"backbone.{name}": adapted[name] for name in method.parameter_names(spec)}
    expected |= {f"head.{name}": value for name, value in head.state_dict().items()}
    crf = LinearChainCRF(constraint_table("none"))
    return expected | {f"crf.{name}": value for name, value in crf.state_dict().items()}


def _check_size(found: BackboneSpec, expected: BackboneSpec, place: str) -> None:
    if found != replace(expected, release=None):
        raise CheckpointError(
            f"{place}: expected the backbone {expected.name}, {_described(expected)}, "
            f"found {_described(found)}"
        )


def _described(spec: BackboneSpec) -> str:
    rounding = "half" if spec.half_rotary else "full"
    return (
        f"{spec.layers} layers of width {spec.width} with {spec.heads} heads and rotary "
        f"frequencies of {rounding} precision"
    )


def _check_tensors(tensors: ReferenceTensors, expected: Mapping[str, Tensor], place: str) -> None:
    found = tensors.rest | {f"backbone.{name}": t for name, t in tensors.backbone.items()}
    check_plain(found, place)
    for name in sorted(found.keys() ^ expected.keys()):
        verdict = "an unknown one" if name in found else "one missing"
        raise CheckpointError(
            f"{place}: expected the tensors of a PEFT-SP model with at most one PEFT method and no "
            f"kingdom embedding, found {verdict}: {reference_key(name)}"
        )
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise CheckpointError(
                f"{place}: {reference_key(name)}: expected shape {tuple(tensor.shape)}, "
                f"found {tuple(found[name].shape)}"
            )
    check_finite(found, place)


def _check_values(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], spec: BackboneSpec, place: str
) -> None:
    for name, tensor in expected.items():
        if found[name] is not tensor and not torch.equal(found[name].float(), tensor.float()):
            raise CheckpointError(
                f"{place}: {reference_key(f'backbone.{name}')}: expected the values of "
                f"{spec.name}, found others: this checkpoint needs the backbone in the file"
            )
