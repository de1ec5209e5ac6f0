"""A trained model as a folder: what was trained, and which backbone it needs.

The folder holds ``config.json`` and ``weights.safetensors``; nothing in them is ever executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from peftsp import __version__
from peftsp.backbone.checkpoint import content_hash
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.backbone.tensor_files import (
    check_finite,
    check_plain,
    read_safetensors,
    write_safetensors,
)
from peftsp.durable import whole_folder
from peftsp.errors import BundleError
from peftsp.files import is_there, read_json, shown
from peftsp.model.bundle_files import (
    CARD,
    CARD_OF_START,
    CONFIG_FILE,
    GRAPH_FILES,
    LICENCES,
    WEIGHTS_FILE,
    check_bundle,
)
from peftsp.model.checks import check_names, check_types
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.model.tagger import Tagger

FORMAT = "peftsp-bundle"
VERSION = 1
BACKBONE_FOLDER = "backbone"
_PAPERS = (CARD, CARD_OF_START, *LICENCES)


@dataclass(frozen=True)
class Bundle:
    """What a bundle folder says.

    Attributes:
        backbone: Where the backbone's weights come from; a relative path counts from the folder.
        backbone_sha256: Content hash of those weights.
        peft: Settings of the PEFT method, see `peftsp.peft.base.PeftMethod.settings`.
        head: Settings of the head.
        crf: Settings of the CRF.
        training: How the model was made, free in form: data, fold, metrics.
        weights: What was trained, by parameter name of the `Tagger`; a file may hold them in half
            precision, they are read as float32.
    """

    backbone: BackboneSource
    backbone_sha256: str
    peft: dict[str, Any]
    head: HeadSettings
    crf: CRFSettings
    training: dict[str, Any]
    weights: dict[str, Tensor]

    @classmethod
    def from_tagger(
        cls,
        tagger: Tagger,
        head: HeadSettings,
        crf: CRFSettings,
        training: dict[str, Any],
        weights: dict[str, Tensor] | None = None,
    ) -> Bundle:
        """Take what was trained out of a model.

        Args:
            tagger: The model.
            head: The settings it was built with.
            crf: The settings it was built with.
            training: How it was made; JSON-compatible.
            weights: What was trained, if not what the model holds now.

        Raises:
            BundleError: The weights given are not those that the model trains.
        """
        names = tagger.trained_names()
        state = tagger.state_dict() if weights is None else weights
        if weights is not None:
            check_names(set(weights), names, "weights")
        return cls(
            backbone=tagger.backbone.source,
            backbone_sha256=tagger.backbone.content_hash,
            peft=tagger.method.settings(),
            head=head,
            crf=crf,
            training=training,
            weights={name: state[name].detach().cpu().contiguous() for name in sorted(names)},
        )


def hash_content(bundle: Bundle) -> str:
    """SHA-256 of what a bundle computes, wherever it and its backbone lie, in hexadecimal."""
    settings = [bundle.backbone_sha256, bundle.peft, asdict(bundle.head), asdict(bundle.crf)]
    described = json.dumps([*settings, content_hash(bundle.weights)], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()


def save_bundle(
    bundle: Bundle,
    folder: Path,
    backbone: Mapping[str, Tensor] | None = None,
    papers: Mapping[str, str] | None = None,
) -> None:
    """Write a bundle; the folder appears whole or not at all.

    Args:
        bundle: What to write.
        folder: Replaced if it exists and is a bundle.
        backbone: Weights to put beside it, in `BACKBONE_FOLDER`, which its source then names.
        papers: Text of further files by name: card and licences.

    Raises:
        BundleError: The folder exists and is something else, or a number is not finite.
    """
    if folder.exists():
        _check_own(folder)
    check_finite(bundle.weights, str(folder), BundleError)
    if backbone is not None:
        bundle = replace(bundle, backbone=replace(bundle.backbone, checkpoint=BACKBONE_FOLDER))
    config = {
        "format": FORMAT,
        "version": VERSION,
        "peftsp": __version__,
        "backbone": {**asdict(bundle.backbone), "sha256": bundle.backbone_sha256},
        "peft": bundle.peft,
        "head": asdict(bundle.head),
        "crf": asdict(bundle.crf),
        "training": bundle.training,
    }
    with whole_folder(folder) as partial:
        if backbone is not None:
            write_esm_folder(partial / BACKBONE_FOLDER, bundle.backbone.spec, dict(backbone))
        write_papers(papers or {}, partial)
        (partial / CONFIG_FILE).write_text(
            json.dumps(config, indent=2, allow_nan=False) + "\n", newline="\n"
        )
        write_safetensors(bundle.weights, partial / WEIGHTS_FILE)


def read_papers(folder: Path) -> dict[str, str]:
    """Text of a model's card and licences by file name, for what is made of it."""
    return {
        paper: (folder / paper).read_text(encoding="utf-8", errors="replace")
        for paper in (CARD, *LICENCES, f"{BACKBONE_FOLDER}/NOTICE")
        if (folder / paper).is_file()
    }


def write_papers(papers: Mapping[str, str], folder: Path) -> None:
    """Put what `read_papers` gave into a folder."""
    for name, text in papers.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _check_own(folder: Path) -> None:
    """Refuse to replace what is no bundle, or one beside which others have put files."""
    wanted = f"{folder}: expected a bundle or nothing there"
    if not (folder / CONFIG_FILE).is_file():
        raise BundleError(f"{wanted}, found something else")
    found = read_json(folder / CONFIG_FILE, BundleError).get("format")
    if found != FORMAT:
        raise BundleError(f"{wanted}, found a {CONFIG_FILE} of something else")
    known = {CONFIG_FILE, WEIGHTS_FILE, BACKBONE_FOLDER, *_PAPERS, *GRAPH_FILES.values()}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if foreign:
        raise BundleError(f"{wanted}, found {foreign[0]} beside it")


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle without building its model.

    Raises:
        BundleError: A file is missing or broken, or holds what is not known.
    """
    config = _read_config(folder)
    place = str(folder / CONFIG_FILE)
    backbone = dict(config["backbone"])
    try:
        digest = backbone.pop("sha256")
        spec = BackboneSpec(**backbone.pop("spec"))
        source = BackboneSource(spec, **backbone)
        head, crf = HeadSettings(**config["head"]), CRFSettings(**config["crf"])
    except (TypeError, KeyError, AttributeError) as error:
        raise BundleError(
            f"{place}: expected the settings of version {VERSION}, found: {shown(error)}"
        ) from error
    for settings in (spec, source, head, crf):
        check_types(settings, place)
    if not isinstance(digest, str):
        raise BundleError(f"{place}: expected a sha256 of 64 digits, found {shown(digest)}")
    weights = _read_weights(folder)
    training = config["training"]
    return Bundle(_relocated(source, folder), digest, config["peft"], head, crf, training, weights)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    check_bundle(folder)
    config = read_json(path, BundleError)
    found = config.get("format")
    if found != FORMAT:
        raise BundleError(f"{path}: expected format {FORMAT!r}, found {shown(found)}")
    if config.get("version") != VERSION:
        raise BundleError(
            f"{path}: expected bundle version {VERSION}, found {shown(config.get('version'))}"
        )
    expected = {field.name for field in fields(Bundle)} - {"weights", "backbone_sha256"}
    expected |= {"format", "version", "peftsp"}
    if config.keys() != expected:
        names = ", ".join(sorted(config.keys() ^ expected))
        raise BundleError(
            f"{path}: expected the keys {', '.join(sorted(expected))}; differing: {names}"
        )
    for name in sorted(expected - {"format", "version", "peftsp"}):
        if not isinstance(config[name], dict):
            raise BundleError(f"{path}: {name}: expected settings, found {shown(config[name])}")
    return config


def _read_weights(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise BundleError(f"{folder}: expected {WEIGHTS_FILE} in it, found none")
    tensors = read_safetensors(path, BundleError)
    check_plain(tensors, str(path), BundleError)
    check_finite(tensors, str(path), BundleError)
    return {name: _at_least_single(tensor) for name, tensor in tensors.items()}


def _at_least_single(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _relocated(source: BackboneSource, folder: Path) -> BackboneSource:
    if source.checkpoint is None or not is_there(folder / source.checkpoint):
        return source
    return replace(source, checkpoint=str(folder / source.checkpoint))
