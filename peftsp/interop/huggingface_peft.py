"""Adapters of the Hugging Face PEFT library: writing their folders, and reading those of LoRA.

Usage: ``python -m peftsp.interop.huggingface_peft export BUNDLE -o FOLDER``
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.backbone.specs import BackboneSpec
from peftsp.backbone.tensor_files import (
    check_finite,
    check_plain,
    read_pickled_tensors,
    read_safetensors,
    tensor_table,
)
from peftsp.errors import BundleError, CheckpointError, PeftspError
from peftsp.files import is_there, read_json, shown
from peftsp.interop.injected import export_injected
from peftsp.interop.layers import lora_extent
from peftsp.model.bundle import Bundle, read_bundle
from peftsp.peft.hf import HuggingFace
from peftsp.peft.lora import LoRA
from peftsp.peft.registry import find_method

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_OLD_WEIGHTS_FILE = "adapter_model.bin"

_OUR_MODULES = {theirs: ours for ours, theirs in THEIR_MODULES.items()}
_OURS = re.compile(r"layers\.(\d+)\.(.+)\.(lora_[AB])")
_THEIRS = re.compile(
    r"base_model\.model\.(?:esm\.)?encoder\.layer\.(\d+)\.(.+)\.(lora_[AB])\.weight"
)
_OTHER_HEADS = re.compile(r"base_model\.model\.(classifier|lm_head)\.")

_GREATEST_RANK = 2**16
_READ = {"peft_type", "r", "lora_alpha", "lora_dropout", "bias", "init_lora_weights"}
_WITHOUT_EFFECT = {
    "auto_mapping",
    "base_model_name_or_path",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "megatron_core",
    "modules_to_save",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
}
"""Settings that change nothing, or whose effect the tensors tell."""

_PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")
"""Ways to draw LoRA weights that leave the model's own weights as they were."""


@dataclass(frozen=True)
class ImportedAdapter:
    """What a Hugging Face adapter folder holds.

    Attributes:
        method: LoRA with the adapter's settings.
        weights: Its tensors by `peftsp.model.tagger.Tagger` parameter name.
        unused: Keys of heads for other tasks.
    """

    method: LoRA
    weights: dict[str, Tensor]
    unused: tuple[str, ...]


def export_adapter(bundle: Bundle, folder: Path) -> None:
    """Write a bundle's method for ``peft.PeftModel.from_pretrained`` to put on an ``EsmModel``.

    Head and CRF have no place in such a folder.

    Args:
        bundle: Its method is LoRA or one of Hugging Face PEFT.
        folder: Made if need be; an adapter in it is replaced.

    Raises:
        BundleError: The bundle has another method.
    """
    method = find_method(bundle.peft)
    if isinstance(method, HuggingFace):
        export_injected(bundle, method, folder)
        return
    if not isinstance(method, LoRA):
        raise BundleError(
            f"expected a bundle with lora or a method of Hugging Face PEFT, found {method.name}"
        )
    spec = bundle.backbone.spec
    names = sorted(method.parameter_names(spec))
    tensors = {_their_key(name): bundle.weights[f"backbone.{name}"].contiguous() for name in names}
    is_published = spec.release is not None and bundle.backbone.checkpoint is None
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": f"facebook/{spec.release}" if is_published else None,
        "r": method.rank,
        "lora_alpha": method.alpha,
        "lora_dropout": method.dropout,
        "target_modules": _target_pattern(names),
        "bias": "none",
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")


def import_adapter(folder: Path, spec: BackboneSpec) -> ImportedAdapter:
    """Read a LoRA adapter of an ``EsmModel``, or of a model with one inside.

    A tagger built with the method takes the weights by
    ``tagger.load_state_dict(adapter.weights, strict=False)``; its head stays as it was drawn.

    Args:
        folder: Holds ``adapter_config.json`` and ``adapter_model.safetensors`` or ``.bin``.
        spec: The backbone's sizes.

    Raises:
        CheckpointError: A file is missing or broken, the adapter is no plain LoRA, or it does not
            fit the backbone.
        ConfigError: A number in the configuration is out of range.
    """
    config = _read_config(folder / CONFIG_FILE)
    path, tensors = _read_tensors(folder)
    unused = tuple(key for key in tensors if _OTHER_HEADS.match(key))
    weights = {_our_name(key, path): tensors[key] for key in tensors if key not in unused}
    check_plain(weights, str(path))
    targets, last_k = lora_extent(weights, spec, str(path))
    method = LoRA(config["r"], config["lora_alpha"], config["lora_dropout"], targets, last_k)
    _check_fit(weights, method, spec, path)
    check_finite(weights, str(path))
    named = {f"backbone.{name}": tensor.float() for name, tensor in weights.items()}
    return ImportedAdapter(method, named, unused)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line, without the program's name; None for those.

    Returns:
        Exit status: 0, or 2 after an error that the user can mend.
    """
    parser = argparse.ArgumentParser(
        prog="python -m peftsp.interop.huggingface_peft",
        description="Exchange adapters with the Hugging Face PEFT library.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    export = commands.add_parser("export", help="write a bundle's method as an adapter folder")
    export.add_argument("bundle", type=Path, help="bundle folder")
    export.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write"
    )
    options = parser.parse_args(arguments)
    try:
        export_adapter(read_bundle(options.bundle), options.output)
    except PeftspError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {options.output}")
    return 0


def _target_pattern(names: Sequence[str]) -> str:
    """A pattern for just these modules; as a list, ``output.dense`` would also match others."""
    found = [match for match in map(_OURS.fullmatch, names) if match]
    layers = "|".join(map(str, sorted({int(match[1]) for match in found})))
    modules = "|".join(sorted({re.escape(THEIR_MODULES[match[2]]) for match in found}))
    return rf"(.*\.)?encoder\.layer\.({layers})\.({modules})"


def _their_key(name: str) -> str:
    match = _OURS.fullmatch(name)
    assert match
    return f"base_model.model.encoder.layer.{match[1]}.{THEIR_MODULES[match[2]]}.{match[3]}.weight"


def _our_name(key: str, path: Path) -> str:
    match = _THEIRS.fullmatch(key)
    if not match or match[2] not in _OUR_MODULES:
        raise CheckpointError(
            f"{path}: expected LoRA matrices of linear layers in an EsmModel's encoder, found {key}"
        )
    return f"layers.{match[1]}.{_OUR_MODULES[match[2]]}.{match[3]}"


def _read_config(path: Path) -> dict[str, Any]:
    config = read_json(path, CheckpointError)
    expected = {"peft_type": ("LORA",), "bias": ("none",), "init_lora_weights": _PLAIN_STARTS}
    for key, values in expected.items():
        found = config.setdefault(key, values[0])
        if found not in values:
            raise CheckpointError(f"{path}: {key}: expected {values[0]!r}, found {shown(found)}")
    for key, value in config.items():
        if value and key not in _READ | _WITHOUT_EFFECT:
            raise CheckpointError(
                f"{path}: {key}: expected plain LoRA without it, found {shown(value)}"
            )
    for key, kind in (("r", int), ("lora_alpha", float), ("lora_dropout", float)):
        found = config.get(key)
        if not isinstance(found, int | kind) or isinstance(found, bool):
            raise CheckpointError(f"{path}: {key}: expected {kind.__name__}, found {shown(found)}")
    if config["r"] > _GREATEST_RANK:
        raise CheckpointError(
            f"{path}: r: expected at most {_GREATEST_RANK}, found {shown(config['r'])}"
        )
    return config


def _read_tensors(folder: Path) -> tuple[Path, Mapping[str, Tensor]]:
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


def _check_fit(weights: Mapping[str, Tensor], method: LoRA, spec: BackboneSpec, path: Path) -> None:
    with torch.device("meta"):
        adapted = method.apply(ESM2(spec)).state_dict()
    for name in sorted(method.parameter_names(spec)):
        found = tuple(weights[name].shape) if name in weights else None
        if found != tuple(adapted[name].shape):
            raise CheckpointError(
                f"{path}: {_their_key(name)}: expected shape {tuple(adapted[name].shape)}, "
                f"found {found or 'no such tensor'}"
            )


if __name__ == "__main__":
    sys.exit(main())
