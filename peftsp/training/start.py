"""A run that begins from a trained model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from peftsp.backbone.checkpoint import (
    RANDOM,
    build_backbone,
    content_hash,
    empty_backbone,
    hold_weights,
    read_weights,
)
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.data.identity import sequence_mark, split_marks
from peftsp.errors import ConfigError
from peftsp.model.adapter_folder import Adapter, is_adapter, read_adapter
from peftsp.model.bundle import (
    BACKBONE_FOLDER,
    Bundle,
    hash_content,
    read_bundle,
    read_papers,
)
from peftsp.model.restore import is_whole, load_trained, restore_backbone, restore_tagger
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.model.shipped import find_bundle
from peftsp.model.tagger import Tagger
from peftsp.peft.base import PeftMethod
from peftsp.peft.frozen import Frozen
from peftsp.peft.registry import find_method
from peftsp.records import LabelledRecord

_BACKBONE = "backbone."
_FREE = {"dropout", "kingdom_dropout", "trainable", "decoding", "temperature", "residues"}
"""Settings of head and CRF that may differ from those that the model was trained with."""


@dataclass(frozen=True)
class Start:
    """The trained model that a run begins from.

    Attributes:
        name: What ``init_from`` says.
        folder: Where that is.
        bundle: The model; its backbone lies where the run's settings say.
        method: That of the model.
        sha256: Of its content.
        papers: Text of its card and licences by file name.
        is_kept: Whether its method goes on training; else it is merged, and another put on top.
        carries: Whether it has its backbone in its own folder, as what is made of it then has.
    """

    name: str
    folder: Path
    bundle: Bundle
    method: PeftMethod
    sha256: str
    papers: dict[str, str]
    is_kept: bool
    carries: bool

    def has_seen(self, records: Sequence[LabelledRecord]) -> int:
        """How many of some records have trained or chosen the model, as far as it says."""
        marks = split_marks(self.bundle.training.get("proteins") or "")
        return sum(sequence_mark(record.residues) in marks for record in records)

    @cached_property
    def backbone_sha256(self) -> str:
        """Content hash of the backbone that the run trains on."""
        return self.bundle.backbone_sha256 if self.is_kept else content_hash(self._merged)

    def build(
        self,
        method: PeftMethod,
        head: HeadSettings,
        crf: CRFSettings,
        dtype: torch.dtype,
        activation_checkpointing: bool,
    ) -> Tagger:
        """The model, in which what is to train requires gradients.

        Args:
            method: That of the run.
            head: Settings of the run.
            crf: Settings of the run.
            dtype: Of the backbone's weights.
            activation_checkpointing: See `peftsp.backbone.esm2.ESM2`.

        Raises:
            PeftspError: A setting does not fit the bundle, or its backbone cannot be read.
        """
        if self.is_kept:
            backbone = restore_backbone(
                self.bundle, self.method, self.name, dtype, activation_checkpointing
            )
            tagger = build_tagger(backbone, method, head, crf)
            load_trained(tagger, self.bundle, self.name)
            return tagger
        source = replace(self.bundle.backbone, checkpoint=BACKBONE_FOLDER)
        backbone = build_backbone(
            source,
            hold_weights(self._merged, source, dtype),
            self.backbone_sha256,
            activation_checkpointing,
        )
        tagger = build_tagger(backbone, method, head, crf)
        of_head = {n: t for n, t in self.bundle.weights.items() if not n.startswith(_BACKBONE)}
        tagger.load_state_dict(of_head, strict=False)
        return tagger

    def own_backbone(self, method: PeftMethod) -> dict[str, Tensor] | None:
        """Weights that lie nowhere but in the bundle, for one that is made of it; None without."""
        if is_whole(method, self.bundle.backbone.spec):
            return None
        if not self.is_kept:
            return self._merged
        return read_weights(self.bundle.backbone)[0] if self.carries else None

    @cached_property
    def _merged(self) -> dict[str, Tensor]:
        if self.bundle.backbone.quantization:
            raise ConfigError(
                f"backbone.quantization: expected null where the method of {self.name} is merged, "
                f"found {self.bundle.backbone.quantization}"
            )
        tagger = restore_tagger(self.bundle, self.method, self.name)
        tagger.merge()
        weights = {name: t.detach() for name, t in tagger.backbone.state_dict().items()}
        if weights.keys() != empty_backbone(self.bundle.backbone).state_dict().keys():
            raise ConfigError(
                f"init_from: expected a model whose method can be merged to put another on top, "
                f"found {tagger.method.label} in {self.name}; without peft=… it goes on training"
            )
        return weights


def read_start(
    init_from: str,
    method: PeftMethod,
    head: HeadSettings,
    crf: CRFSettings,
    backbone: BackboneSource,
) -> Start:
    """Read the model to begin from, and check that the run's settings fit it.

    Args:
        init_from: Folder of a bundle or of an adapter of Hugging Face PEFT, or the name of a model
            that ships.
        method: That of the run.
        head: Settings of the run.
        crf: Settings of the run.
        backbone: That of the run.

    Raises:
        PeftspError: There is no such model, or it is of another backbone, head or CRF.
    """
    folder = find_bundle(init_from).absolute()
    if is_adapter(folder):
        bundle = _of_adapter(read_adapter(folder), head, crf, backbone)
    else:
        bundle = read_bundle(folder)
    spec = bundle.backbone.spec
    for name, expected, found in _pairs(bundle, head, crf, backbone.spec):
        if expected != found:
            raise ConfigError(f"{name}: expected {expected} as in {init_from}, found {found}")
    # The run has named its own method, and thereby allowed the code of its package.
    was = find_method(bundle.peft, {type(method).__module__.partition(".")[0]})
    start = _start_of(init_from, folder, bundle, was)
    placed = replace(
        bundle,
        backbone=replace(backbone, spec=spec),
        weights=_with_head(bundle, head, crf),
    )
    return replace(start, bundle=placed, is_kept=was.computes_like(method))


def read_trained(name: str, allow_code: Collection[str]) -> Start:
    """Read a trained model by itself, for another that is made of it without training.

    Args:
        name: Folder of a bundle, or the name of a model that ships.
        allow_code: Packages whose code may be imported for the method.

    Raises:
        PeftspError: There is no such model, or its method may not be imported.
    """
    folder = find_bundle(name).absolute()
    bundle = read_bundle(folder)
    return _start_of(name, folder, bundle, find_method(bundle.peft, allow_code))


def _start_of(name: str, folder: Path, bundle: Bundle, method: PeftMethod) -> Start:
    """A model that keeps its method, with what lies beside it."""
    lies_at = bundle.backbone.checkpoint
    is_inside = lies_at not in (None, RANDOM) and Path(lies_at or "").is_relative_to(folder)
    digest = hash_content(bundle)
    return Start(
        name, folder, bundle, method, digest, read_papers(folder), is_kept=True, carries=is_inside
    )


def _of_adapter(
    adapter: Adapter, head: HeadSettings, crf: CRFSettings, backbone: BackboneSource
) -> Bundle:
    """An adapter as a bundle; without a head if it has none."""
    weights, spec = read_weights(backbone)
    return Bundle(
        replace(backbone, spec=adapter.backbone.spec if adapter.backbone else spec),
        adapter.backbone_sha256 or content_hash(weights),
        adapter.method.settings(),
        adapter.head or head,
        adapter.crf or crf,
        adapter.training,
        adapter.weights,
    )


def _with_head(bundle: Bundle, head: HeadSettings, crf: CRFSettings) -> dict[str, Tensor]:
    """What a bundle holds, and a fresh head and CRF where it has none."""
    if any(not name.startswith(_BACKBONE) for name in bundle.weights):
        return bundle.weights
    fresh = build_tagger(empty_backbone(bundle.backbone), Frozen(), head, crf).state_dict()
    drawn = {name: t for name, t in fresh.items() if not name.startswith(_BACKBONE)}
    return bundle.weights | drawn


def _pairs(
    bundle: Bundle, head: HeadSettings, crf: CRFSettings, spec: BackboneSpec
) -> Iterator[tuple[str, Any, Any]]:
    """Settings that have to agree: name, what the bundle has, what the run has."""
    for name in ("name", "layers", "width", "heads"):
        yield f"backbone.spec.{name}", getattr(bundle.backbone.spec, name), getattr(spec, name)
    for group, own, given in (("head", bundle.head, head), ("crf", bundle.crf, crf)):
        for field in fields(own):
            if field.name not in _FREE:
                yield f"{group}.{field.name}", getattr(own, field.name), getattr(given, field.name)
