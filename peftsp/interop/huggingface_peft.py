"""Adapters of the Hugging Face PEFT library: writing their folders, and reading them.

Usage: ``python -m peftsp.interop.huggingface_peft export BUNDLE -o FOLDER``,
``python -m peftsp.interop.huggingface_peft import FOLDER -o BUNDLE``
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.backbone.tensor_files import check_finite, check_plain
from peftsp.errors import BundleError, CheckpointError, PeftspError
from peftsp.files import read_json
from peftsp.interop.adapter_folder import (
    CONFIG_FILE,
    HEAD_FILE,
    WEIGHTS_FILE,
    read_adapter,
    read_tensors,
    write_head,
)
from peftsp.interop.injected import export_injected
from peftsp.interop.layers import lora_extent
from peftsp.interop.lora_settings import check_lora, lora_of
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.restore import restore_tagger
from peftsp.peft.hf import HuggingFace
from peftsp.peft.lora import LoRA
from peftsp.peft.registry import find_method

_OUR_MODULES = {theirs: ours for ours, theirs in THEIR_MODULES.items()}
_OURS = re.compile(r"layers\.(\d+)\.(.+)\.(lora_[AB])")
_THEIRS = re.compile(
    r"base_model\.model\.(?:esm\.)?encoder\.layer\.(\d+)\.(.+)\.(lora_[AB])\.weight"
)
_OTHER_HEADS = re.compile(r"base_model\.model\.(classifier|lm_head)\.")


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

    Head and CRF, which have no place in an ``EsmModel``, lie in a file of their own beside it.

    Args:
        bundle: Its method is LoRA or one of Hugging Face PEFT.
        folder: Made if need be; an adapter in it is replaced.

    Raises:
        BundleError: The bundle has another method.
    """
    method = find_method(bundle.peft)
    if isinstance(method, HuggingFace):
        export_injected(bundle, method, folder)
    elif isinstance(method, LoRA):
        _export_lora(bundle, method, folder)
    else:
        raise BundleError(
            f"expected a bundle with lora or a method of Hugging Face PEFT, found {method.name}"
        )
    write_head(bundle, folder)


def _export_lora(bundle: Bundle, method: LoRA, folder: Path) -> None:
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
        "use_rslora": method.rslora,
        "init_lora_weights": "pissa" if method.start == "pissa" else True,
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
    config = read_json(folder / CONFIG_FILE, CheckpointError)
    check_lora(config, folder / CONFIG_FILE)
    path, tensors = read_tensors(folder)
    unused = tuple(key for key in tensors if _OTHER_HEADS.match(key))
    weights = {_our_name(key, path): tensors[key] for key in tensors if key not in unused}
    check_plain(weights, str(path))
    targets, last_k = lora_extent(weights, spec, str(path))
    method = lora_of(config, targets, last_k, folder / CONFIG_FILE)
    _check_fit(weights, method, spec, path)
    check_finite(weights, str(path))
    named = {f"backbone.{name}": tensor.float() for name, tensor in weights.items()}
    return ImportedAdapter(method, named, unused)


def import_bundle(folder: Path, checkpoint: str | None = None) -> Bundle:
    """A bundle of a folder that holds a head and a CRF, as `export_adapter` writes it.

    Args:
        folder: The folder.
        checkpoint: Where the backbone's weights lie; see
            `peftsp.backbone.specs.BackboneSource`.

    Raises:
        CheckpointError: A file is missing or broken, or there is no head beside the adapter.
        BundleError: The adapter does not fit the backbone, or that is another one.
    """
    adapter = read_adapter(folder)
    if adapter.head is None or adapter.crf is None or adapter.spec is None:
        raise CheckpointError(
            f"{folder}: expected {HEAD_FILE} with head and CRF beside the adapter, found none: "
            f"peft=from_adapter peft.path={folder} trains them"
        )
    place = None if checkpoint is None else str(Path(checkpoint).absolute())
    bundle = Bundle(
        BackboneSource(adapter.spec, place),
        adapter.backbone_sha256 or "",
        adapter.method.settings(),
        adapter.head,
        adapter.crf,
        {"name": folder.name},
        adapter.weights,
    )
    restore_tagger(bundle, adapter.method, str(folder))
    return bundle


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
    export.set_defaults(run=lambda o: export_adapter(read_bundle(o.bundle), o.output))
    importing = commands.add_parser("import", help="make a bundle of an adapter folder with a head")
    importing.add_argument("folder", type=Path, help="adapter folder")
    importing.add_argument(
        "-o", "--output", type=Path, required=True, metavar="BUNDLE", help="bundle to write"
    )
    importing.add_argument(
        "--checkpoint", metavar="PATH", help="the backbone's weights, if not the published ones"
    )
    importing.set_defaults(
        run=lambda o: save_bundle(import_bundle(o.folder, o.checkpoint), o.output)
    )
    options = parser.parse_args(arguments)
    try:
        options.run(options)
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
