"""A model ready to predict, out of a bundle and its backbone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from peftsp.backbone.checkpoint import (
    build_backbone,
    content_hash,
    empty_backbone,
    hold_weights,
    read_weights,
)
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.errors import BundleError, ConfigError
from peftsp.files import shown
from peftsp.model.bundle import Bundle, read_bundle
from peftsp.model.checks import check_names, check_shapes, check_types
from peftsp.model.context import CONTEXT_WIDTH
from peftsp.model.settings import build_tagger
from peftsp.model.tagger import Tagger
from peftsp.peft.base import PeftMethod
from peftsp.peft.registry import find_method

_BACKBONE = "backbone."

Weights = dict[str, Tensor]
SharedWeights = dict[BackboneSource, tuple[Weights, str]]
"""Weights of backbones as they are held, and the hash of what was read."""


def load_taggers(
    folders: Sequence[Path],
    device: torch.device | str = "cpu",
    backbone_checkpoint: str | None = None,
    allow_code: Collection[str] = (),
) -> list[Tagger]:
    """Models in evaluation mode, one a bundle; those of one backbone share its memory.

    Args:
        folders: Bundle folders.
        device: Where to put the models.
        backbone_checkpoint: Where the backbone's weights lie, if not where the bundles say; see
            `peftsp.backbone.specs.BackboneSource`.
        allow_code: Packages whose code may be imported for a bundle's method.

    Raises:
        BundleError: A bundle is broken, or its backbone is not the one it was trained on.
        CheckpointError: A backbone's weights are missing or broken.
        ConfigError: A setting in a bundle is unknown.
    """
    shared: SharedWeights = {}
    taggers = []
    for folder in folders:
        bundle = read_bundle(folder)
        if backbone_checkpoint is not None:
            bundle = replace(
                bundle, backbone=replace(bundle.backbone, checkpoint=backbone_checkpoint)
            )
        method = find_method(bundle.peft, allow_code)
        tagger = restore_tagger(bundle, method, str(folder), device, shared)
        taggers.append(tagger.eval().requires_grad_(False))
    if len(taggers) == 1:
        # Merged weights are a model's own; several models keep the ones they share.
        taggers[0].merge()
    return taggers


def check_needed(taggers: Iterable[Tagger], backbone_checkpoint: str | None) -> None:
    """Check that weights that are given are those of a model's backbone.

    Raises:
        ConfigError: All models were trained whole, and need none.
    """
    needed = (not is_whole(tagger.method, tagger.backbone.spec) for tagger in taggers)
    if backbone_checkpoint is not None and not any(needed):
        raise ConfigError(
            f"{backbone_checkpoint}: expected no weights of a backbone, as the model that predicts "
            "was trained whole and holds its own; found some"
        )


def restore_tagger(
    bundle: Bundle,
    method: PeftMethod,
    place: str,
    device: torch.device | str = "cpu",
    shared: SharedWeights | None = None,
) -> Tagger:
    """The model of a bundle, in which what its method trains requires gradients.

    Args:
        bundle: The bundle.
        method: That of the bundle, see `peftsp.peft.registry.find_method`.
        place: Where it lies, for errors.
        device: Where to put the model.
        shared: Backbone weights that were read before; takes those that are read now.

    Raises:
        BundleError: The bundle is broken, or its backbone is not the one it was trained on.
        CheckpointError: The backbone's weights are missing or broken.
        ConfigError: A setting in the bundle is unknown.
    """
    backbone = restore_backbone(bundle, method, place, device=device, shared=shared)
    tagger = build_tagger(backbone, method, bundle.head, bundle.crf)
    load_trained(tagger, bundle, place)
    return tagger.to(device)


def restore_backbone(
    bundle: Bundle,
    method: PeftMethod,
    place: str,
    dtype: torch.dtype = torch.float32,
    activation_checkpointing: bool = False,
    device: torch.device | str = "cpu",
    shared: SharedWeights | None = None,
) -> ESM2:
    """The backbone of a bundle without its method; one that was trained whole is as trained.

    Args:
        bundle: The bundle.
        method: That of the bundle.
        place: Where it lies, for errors.
        dtype: In which the weights are held.
        activation_checkpointing: See `peftsp.backbone.esm2.ESM2`.
        device: Where to put the weights.
        shared: As of `restore_tagger`.

    Raises:
        BundleError: The bundle is broken, or its backbone is not the one it was trained on.
        CheckpointError: The backbone's weights are missing or broken.
        ConfigError: A setting in the bundle is unknown.
    """
    check_types(method, place)
    check_sizes(bundle, method, place)
    names = method.parameter_names(bundle.backbone.spec)
    if is_whole(method, bundle.backbone.spec):
        weights = {
            name: bundle.weights[_BACKBONE + name].to(dtype)
            for name in names
            if _BACKBONE + name in bundle.weights
        }
        check_names(set(weights), names, place)
        digest = bundle.backbone_sha256
    else:
        shared = {} if shared is None else shared
        weights, digest = _backbone_weights(bundle, place, dtype, torch.device(device), shared)
    return build_backbone(bundle.backbone, weights, digest, activation_checkpointing)


def is_whole(method: PeftMethod, spec: BackboneSpec) -> bool:
    """Whether a method trains the whole backbone, so that a bundle of it needs no other weights."""
    with torch.device("meta"):
        return method.parameter_names(spec) >= ESM2(spec).state_dict().keys()


def load_trained(tagger: Tagger, bundle: Bundle, place: str) -> None:
    """Give a model what a bundle of the same method and head holds.

    Raises:
        BundleError: The tensors are not those of the model.
    """
    check_names(set(bundle.weights), tagger.trained_names(), place)
    check_shapes(bundle.weights, tagger, place)
    tagger.load_state_dict(bundle.weights, strict=False)


def check_sizes(bundle: Bundle, method: PeftMethod, place: str) -> None:
    """Compare what the settings would take with the weights at hand, before it takes memory.

    Raises:
        BundleError: A tensor has another shape than the settings say.
    """
    head, width = bundle.head, bundle.backbone.spec.width
    features = width + head.kingdom_embedding + (CONTEXT_WIDTH if head.context_window else 0)
    # Drawing weights on the meta device would load PyTorch's compiler, which takes a second.
    for name, side, size in (
        ("head.emissions.weight", 1, features),
        ("head.context.first.weight", 2, head.context_window),
    ):
        tensor = bundle.weights.get(name)
        if tensor is not None and tuple(tensor.shape[side : side + 1]) != (size,):
            raise BundleError(
                f"{place}: {name}: expected shape of {size} in dimension {side + 1}, found "
                f"{tuple(tensor.shape)}"
            )
    try:
        with torch.device("meta"):
            adapted = method.apply(empty_backbone(replace(bundle.backbone, quantization=None)))
    # Sizes that PyTorch cannot even count.
    except (RuntimeError, OverflowError, TypeError) as error:
        raise BundleError(
            f"{place}: expected settings of the size of its weights, found: {shown(error)}"
        ) from error
    check_shapes(bundle.weights, nn.ModuleDict({"backbone": adapted}), place)


def _backbone_weights(
    bundle: Bundle,
    place: str,
    dtype: torch.dtype,
    device: torch.device,
    shared: SharedWeights,
) -> tuple[Weights, str]:
    if bundle.backbone not in shared:
        weights, spec = read_weights(bundle.backbone)
        if spec != bundle.backbone.spec:
            raise BundleError(
                f"{place}: expected the backbone {bundle.backbone.spec}, found {spec}: these "
                f"weights are not the ones it was trained on"
            )
        digest = content_hash(weights)
        held = hold_weights(weights, bundle.backbone, dtype, device)
        shared[bundle.backbone] = held, digest
    weights, digest = shared[bundle.backbone]
    if digest != bundle.backbone_sha256:
        raise BundleError(
            f"{place}: expected the {bundle.backbone.spec.name} backbone with the content hash "
            f"{bundle.backbone_sha256[:12]}…, found {digest[:12]}…: these weights are not the ones "
            f"it was trained on"
        )
    return weights, digest
