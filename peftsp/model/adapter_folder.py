"""Adapter folders of Hugging Face PEFT, of any method that can be injected."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.backbone.tensor_files import (
    check_finite,
    check_plain,
    read_pickled_tensors,
    read_safetensors,
    tensor_table,
    write_safetensors,
)
from peftsp.errors import CheckpointError
from peftsp.files import is_there, read_json, shown
from peftsp.model.adapter_method import method_of
from peftsp.model.bundle import Bundle
from peftsp.model.checks import check_types
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.peft.base import PeftMethod
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import PLACES
from peftsp.peft.lora import LoRA

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
HEAD_FILE = "peftsp_head.safetensors"
_OLD_WEIGHTS_FILE = "adapter_model.bin"

_PREFIX = "base_model.model."
_OURS = {theirs: ours for ours, theirs in THEIR_MODULES.items()}
_SHORT = {place: name for name, place in PLACES.items()}
_THEIRS = re.compile(
    r"base_model\.model\.(?:esm\.)?encoder\.layer\.(\d+)\.("
    + "|".join(sorted(map(re.escape, _OURS), key=len, reverse=True))
    + r")\.(.+)"
)
_DERIVED = re.compile(
    r"\.(randlora_[AB]|p?vera_[AB]|delora_w_norm|shira_indices|supertuning_indices)$"
)
"""What PEFT computes again: random bases and places from a seed, norms of weights."""

_OTHER_HEADS = re.compile(r"base_model\.model\.(classifier|lm_head)\.")


@dataclass(frozen=True)
class Adapter:
    """What an adapter folder holds.

    Attributes:
        method: The method.
        weights: Its tensors, and those of head and CRF where they lie beside it, by
            `peftsp.model.tagger.Tagger` parameter name.
        head: Settings of the head beside it; None without.
        crf: Settings of the CRF beside it; None without.
        backbone: That which it was trained on, without its place; None where nobody knows.
        backbone_sha256: Content hash of that backbone's weights; None where nobody knows.
        unused: Keys of heads for other tasks.
        training: What its bundle said of its training, such as which proteins; empty where nobody
            knows.
    """

    method: PeftMethod
    weights: dict[str, Tensor]
    head: HeadSettings | None
    crf: CRFSettings | None
    backbone: BackboneSource | None
    backbone_sha256: str | None
    unused: tuple[str, ...]
    training: dict[str, Any]


def is_adapter(folder: Path) -> bool:
    """Whether a folder is one of Hugging Face PEFT."""
    return is_there(folder / CONFIG_FILE)


def read_adapter(folder: Path) -> Adapter:
    """Read a folder that Hugging Face PEFT or ``export`` wrote for an ``EsmModel``.

    That the layers are the last ones of a backbone shows when it is put on one.

    Args:
        folder: Holds ``adapter_config.json`` and ``adapter_model.safetensors`` or ``.bin``.

    Raises:
        CheckpointError: A file is missing or broken, or there is something else in it.
        ConfigError: PEFT does not know the method or an option.
    """
    config = read_json(folder / CONFIG_FILE, CheckpointError)
    path, held = read_tensors(folder)
    tensors = {key: tensor for key, tensor in held.items() if not _DERIVED.search(key)}
    check_plain(tensors, str(path))
    check_finite(tensors, str(path))
    unused = tuple(key for key in tensors if _OTHER_HEADS.match(key))
    found = {key: _parts(key, path) for key in tensors if key not in unused}
    targets, last_k = _extent([(layer, module) for layer, module, _ in found.values()], path)
    about, of_head = _read_head(folder)
    source = about.get("backbone")
    is_whole = source is not None and last_k == source.spec.layers
    method = method_of(config, targets, None if is_whole else last_k, folder / CONFIG_FILE)
    weights = {
        f"backbone.layers.{layer}.{module}.{_our_ending(rest, method)}": tensors[key].float()
        for key, (layer, module, rest) in found.items()
    }
    if isinstance(method, BitFit):
        weights = {name: tensor.flatten() for name, tensor in weights.items()}
    return Adapter(
        method,
        weights | of_head,
        about.get("head"),
        about.get("crf"),
        source,
        about.get("backbone_sha256"),
        unused,
        about.get("training", {}),
    )


def write_head(bundle: Bundle, folder: Path) -> None:
    """Put head and CRF of a bundle beside an adapter, named as modules that PEFT saves whole."""
    tensors = {
        f"{_PREFIX}{name}": tensor
        for name, tensor in bundle.weights.items()
        if not name.startswith("backbone.")
    }
    about = {
        "format": "pt",
        "head": json.dumps(asdict(bundle.head)),
        "crf": json.dumps(asdict(bundle.crf)),
        "spec": json.dumps(asdict(bundle.backbone.spec)),
        "training": json.dumps(bundle.training),
        "backbone_sha256": bundle.backbone_sha256,
        "seed": str(bundle.backbone.seed),
        "quantization": bundle.backbone.quantization or "",
    }
    write_safetensors(tensors, folder / HEAD_FILE, about)


def read_tensors(folder: Path) -> tuple[Path, Mapping[str, Tensor]]:
    """The file with an adapter's tensors, and what is in it.

    Raises:
        CheckpointError: It is missing or broken.
    """
    path = folder / WEIGHTS_FILE
    if path.is_file():
        return path, read_safetensors(path)
    path = folder / _OLD_WEIGHTS_FILE
    if not is_there(path):
        raise CheckpointError(f"{folder}: expected {WEIGHTS_FILE} in it, found none")
    tensors = tensor_table(read_pickled_tensors(path, allowed=[]))
    if tensors is None:
        raise CheckpointError(f"{path}: expected a table of tensors, found something else")
    return path, tensors


def _read_head(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the file says of head, CRF and backbone, and the tensors in it."""
    path = folder / HEAD_FILE
    if not path.is_file():
        return {}, {}
    tensors = read_safetensors(path)
    check_plain(tensors, str(path))
    check_finite(tensors, str(path))
    with safe_open(path, "pt") as file:
        said = file.metadata() or {}
    made_of = {"head": HeadSettings, "crf": CRFSettings, "spec": BackboneSpec}
    try:
        about: dict[str, Any] = {k: made(**json.loads(said[k])) for k, made in made_of.items()}
        training = dict(json.loads(said.get("training", "{}")))
        seed = int(said.get("seed", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected the settings of head, CRF and backbone, found: {shown(error)}"
        ) from error
    for settings in about.values():
        check_types(settings, str(path), CheckpointError)
    named = {name.removeprefix(_PREFIX): tensor.float() for name, tensor in tensors.items()}
    backbone = BackboneSource(
        about.pop("spec"), seed=seed, quantization=said.get("quantization") or None
    )
    known = {"backbone_sha256": said.get("backbone_sha256"), "training": training}
    about |= {"backbone": backbone, **known}
    return about, named


def _parts(key: str, path: Path) -> tuple[int, str, str]:
    match = _THEIRS.fullmatch(key)
    if not match:
        raise CheckpointError(
            f"{path}: expected tensors of parts of an EsmModel's encoder, found {shown(key)}"
        )
    return int(match[1]), _OURS[match[2]], match[3]


def _extent(found: list[tuple[int, str]], path: Path) -> tuple[list[str], int]:
    """Names of the parts that a method changes in each layer, and in how many layers."""
    of_layer: dict[int, set[str]] = {}
    for layer, module in found:
        of_layer.setdefault(layer, set()).add(_SHORT[module])
    if not of_layer:
        raise CheckpointError(f"{path}: expected an adapter in some layer, found none")
    layers = sorted(of_layer)
    if layers != list(range(layers[0], layers[-1] + 1)):
        raise CheckpointError(
            f"{path}: expected an adapter in layers without a gap, found it in "
            f"{', '.join(map(str, layers))}"
        )
    first = of_layer[layers[0]]
    for layer in layers:
        if of_layer[layer] != first:
            raise CheckpointError(
                f"{path}: expected the same parts in each layer, found "
                f"{', '.join(sorted(first))} in {layers[0]} and "
                f"{', '.join(sorted(of_layer[layer]))} in {layer}"
            )
    return [name for name in PLACES if name in first], len(layers)


def _our_ending(rest: str, method: PeftMethod) -> str:
    """What a tensor of a layer is called here: PEFT's own layers have the adapter's name in it."""
    if isinstance(method, LoRA):
        return rest.removesuffix(".weight")
    if isinstance(method, BitFit):
        return "shift" if rest == "beft_bias" else rest
    if rest == "lora_magnitude_vector":
        return "lora_magnitude_vector.default.weight"
    first, dot, further = rest.partition(".")
    return f"{first}.default{dot}{further}"
