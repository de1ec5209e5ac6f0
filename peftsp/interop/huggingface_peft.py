"""Adapters of the Hugging Face PEFT library: writing their folders, and reading them.

Usage: ``python -m peftsp.interop.huggingface_peft export BUNDLE -o FOLDER``,
``python -m peftsp.interop.huggingface_peft import FOLDER -o BUNDLE``,
``python -m peftsp.interop.huggingface_peft push FOLDER OWNER/NAME``
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from peftsp.backbone.checkpoint import lasting_place
from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.backbone.tensor_files import write_safetensors
from peftsp.command_line import new_parser, parse, run_command
from peftsp.durable import whole_folder
from peftsp.errors import BundleError, CheckpointError
from peftsp.hub import push_model
from peftsp.interop.injected import as_beft, export_injected
from peftsp.model.adapter_folder import (
    CONFIG_FILE,
    HEAD_FILE,
    WEIGHTS_FILE,
    is_adapter,
    read_adapter,
    write_head,
)
from peftsp.model.bundle import Bundle, read_bundle, read_papers, save_bundle, write_papers
from peftsp.model.bundle_files import check_new
from peftsp.model.restore import restore_tagger
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import HuggingFace
from peftsp.peft.lora import LoRA
from peftsp.peft.registry import find_method, is_outside

_OURS = re.compile(r"layers\.(\d+)\.(.+)\.(lora_[AB])")


def export_adapter(bundle: Bundle, folder: Path) -> None:
    """Write a bundle's method for ``peft.PeftModel.from_pretrained`` to put on an ``EsmModel``.

    Head and CRF, which have no place in an ``EsmModel``, lie in a file of their own beside it.

    Args:
        bundle: Its method is LoRA, BitFit or one of Hugging Face PEFT.
        folder: Made if need be; an adapter in it is replaced.

    Raises:
        BundleError: The bundle has another method.
    """
    name = str(bundle.peft.get("method"))
    method = None if is_outside(name) else find_method(bundle.peft)
    if isinstance(method, HuggingFace):
        export_injected(bundle, method, folder)
    elif isinstance(method, LoRA):
        _export_lora(bundle, method, folder)
    elif isinstance(method, BitFit):
        export_injected(*as_beft(bundle, method), folder)
    else:
        raise BundleError(
            f"expected a bundle with lora, bitfit or a method of Hugging Face PEFT, found {name}"
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
    write_safetensors(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", newline="\n")


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
    if adapter.head is None or adapter.crf is None or adapter.backbone is None:
        raise CheckpointError(
            f"{folder}: expected {HEAD_FILE} with head and CRF beside the adapter, found none: "
            f"peft=from_adapter peft.path={folder} trains them"
        )
    bundle = Bundle(
        replace(adapter.backbone, checkpoint=lasting_place(checkpoint)),
        adapter.backbone_sha256 or "",
        adapter.method.settings(),
        adapter.head,
        adapter.crf,
        {**adapter.training, "name": folder.name},
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
    parser = new_parser(
        "python -m peftsp.interop.huggingface_peft",
        "Exchange adapters with Hugging Face PEFT, and models with the Hub.",
        "example: python -m peftsp.interop.huggingface_peft export bundle -o adapter",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    export = commands.add_parser("export", help="write a bundle's method as an adapter folder")
    export.add_argument("bundle", type=Path, help="bundle folder")
    export.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="new folder to write"
    )
    export.set_defaults(run=_export)
    importing = commands.add_parser("import", help="make a bundle of an adapter folder with a head")
    importing.add_argument("folder", type=Path, help="adapter folder")
    importing.add_argument(
        "-o", "--output", type=Path, required=True, metavar="BUNDLE", help="new bundle to write"
    )
    importing.add_argument(
        "--checkpoint", metavar="PATH", help="the backbone's weights, if not the published ones"
    )
    importing.set_defaults(run=_import)
    push = commands.add_parser("push", help="put a bundle or an adapter folder on the Hub")
    push.add_argument("folder", type=Path, help="bundle or adapter folder")
    push.add_argument("name", metavar="OWNER/NAME", help="repository, made if need be")
    push.add_argument("--public", action="store_true", help="make it public, if it is made")
    push.set_defaults(run=_push)
    options = parse(parser, arguments)
    return run_command(lambda: options.run(options), "interrupted")


def _export(options: argparse.Namespace) -> str:
    check_new(options.output)
    bundle = read_bundle(options.bundle)
    with whole_folder(options.output) as partial:
        export_adapter(bundle, partial)
        # What comes with a backbone stays with it: an adapter carries none.
        of_model = {n: t for n, t in read_papers(options.bundle).items() if "/" not in n}
        write_papers(of_model, partial)
    return f"wrote {options.output}"


def _import(options: argparse.Namespace) -> str:
    check_new(options.output)
    bundle = import_bundle(options.folder, options.checkpoint)
    save_bundle(bundle, options.output, papers=read_papers(options.folder))
    return f"wrote {options.output}"


def _push(options: argparse.Namespace) -> str:
    """Only what can be read again leaves this machine."""
    if is_adapter(options.folder):
        read_adapter(options.folder)
    else:
        read_bundle(options.folder)
    return f"pushed {push_model(options.folder, options.name, is_private=not options.public)}"


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


if __name__ == "__main__":
    sys.exit(main())
