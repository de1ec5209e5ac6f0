"""Command that makes a bundle of a checkpoint of the published reference (PEFT-SP).

Usage: ``python -m peftsp.interop.reference MODEL.pt --backbone esm2_150m -o bundle/``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.command_line import lacking, new_parser, parse, run_command
from peftsp.errors import ConfigError
from peftsp.model.bundle_files import check_new

if TYPE_CHECKING:
    from peftsp.model.bundle import Bundle

OWN_BACKBONE = "file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line, without the program's name; None for those.

    Returns:
        Exit status: 0, or 2 after an error that the user can mend.
    """
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "python -m peftsp.interop.reference",
        "Make a bundle of a PEFT-SP checkpoint that predicts what PEFT-SP computes.",
        "example: python -m peftsp.interop.reference MODEL.pt --backbone esm2_150m -o bundle",
    )
    parser.add_argument("model", type=Path, help="what PEFT-SP saved, a .pt file")
    parser.add_argument(
        "--backbone",
        required=True,
        metavar="NAME",
        help="ESM-2 that the model was made with: esm2_8m, esm2_35m, esm2_150m, esm2_650m, esm2_3b "
        "or esm2_15b; the bundle refers to it. Or 'file': take the backbone out of the model file "
        "and put it beside the bundle's weights",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="PATH",
        help="where the named backbone's weights are: a fair-esm .pt file or an EsmModel folder; "
        "without it the published ones, from the torch-hub cache or else downloaded",
    )
    parser.add_argument(
        "--lora-alpha",
        type=float,
        metavar="ALPHA",
        help="alpha of LoRA, which the file does not tell; without it 8, as published",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="BUNDLE", help="folder to write"
    )
    return parser


def _run(options: argparse.Namespace) -> str:
    # Loading torch takes seconds, and --help needs none of it.
    try:
        from peftsp.backbone.checkpoint import read_weights
        from peftsp.backbone.specs import BackboneSource, published_spec
        from peftsp.interop import reference_bundle
        from peftsp.interop.reference_names import sort_tensors
        from peftsp.model.bundle import save_bundle
    except ModuleNotFoundError as error:
        raise lacking("python -m peftsp.interop.reference", error, "train") from error

    place, folder = str(options.model), options.output.resolve()
    check_new(options.output)
    is_own = options.backbone == OWN_BACKBONE
    if is_own and options.checkpoint:
        raise ConfigError("--checkpoint: expected none with --backbone file, found one")
    state = reference_bundle.read_reference_file(options.model)
    if is_own:
        source, weights = reference_bundle.own_backbone(state, place)
    else:
        path = str(options.checkpoint.resolve()) if options.checkpoint else None
        source = BackboneSource(published_spec(options.backbone), path)
        weights, spec = read_weights(source)
        source = replace(source, spec=spec)
    has_alpha = options.lora_alpha is not None
    alpha = options.lora_alpha if has_alpha else reference_bundle.PUBLISHED_ALPHA
    bundle = reference_bundle.convert(state, source, weights, alpha, place)
    if has_alpha and "alpha" not in bundle.peft:
        raise ConfigError(f"--lora-alpha: expected none, {place} has no LoRA; found one")
    save_bundle(bundle, folder, weights if is_own else None)
    _report(bundle, options)
    unused = len(sort_tensors(state, place).unused)
    print(f"left out {unused} tensors of the language model and contact heads")
    return f"wrote {options.output}"


def _report(bundle: Bundle, options: argparse.Namespace) -> None:
    """Print each setting and how it is known."""
    spec = bundle.backbone.spec
    found, assumed = "found in the file", "not in the file; as published"
    origins = dict.fromkeys(("peft.dropout", "head.dropout", "peft.alpha"), assumed)
    origins |= dict.fromkeys(("crf.constraint", "crf.decoding"), "the way of PEFT-SP")
    added = ("peft.rslora", "peft.start", "peft.lr_ratio", "crf.residues", "crf.temperature")
    origins |= dict.fromkeys(added, "not in PEFT-SP")
    if options.lora_alpha is not None:
        origins["peft.alpha"] = "as given"
    settings: dict[str, object] = {
        "backbone": f"{spec.layers} layers, width {spec.width}, {spec.heads} heads",
        "backbone.weights": "the file's" if options.backbone == OWN_BACKBONE else spec.name,
        **{f"peft.{name}": value for name, value in bundle.peft.items() if value is not None},
        "head.dropout": bundle.head.dropout,
        **{f"crf.{name}": value for name, value in asdict(bundle.crf).items()},
    }
    width = max(map(len, settings))
    for name, value in settings.items():
        shown = ", ".join(value) if isinstance(value, tuple) else str(value)
        print(f"{name:{width}}  {shown:38}  {origins.get(name, found)}")


if __name__ == "__main__":
    sys.exit(main())
