"""From bundles to a file that predicts by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxscript import ir
from onnxscript.ir.passes.common import RemoveUnusedNodesPass
from onnxscript.optimizer import fold_constants

from peftsp import __version__
from peftsp.alphabet import ALPHABET, PAD_TOKEN
from peftsp.data.fasta import EXAMPLES, read_fasta
from peftsp.errors import ConfigError
from peftsp.export.graph import write_graph
from peftsp.export.int8 import hold_in_int8
from peftsp.export.module import ResultsModule
from peftsp.inference.compute.onnx_model import INPUTS, METADATA, OUTPUTS, TOKENS
from peftsp.labels import (
    KINGDOMS,
    MAX_RESIDUES,
    PEPTIDE_REGIONS,
    RESIDUE_REGIONS,
    SP_TYPES,
    STATES,
)
from peftsp.model.bundle_files import CONFIG_FILE, hash_bundle
from peftsp.model.restore import check_needed, load_taggers

_MOST_BYTES = 2_000_000_000
"""Less than protobuf's limit of 2 GiB by what the nodes themselves take."""


def export_model(
    bundles: Sequence[Path],
    precision: str = "fp32",
    backbone: str | None = None,
    calibration: Path = EXAMPLES,
    allow_code: Collection[str] = (),
) -> ir.Model:
    """A graph of one model, or of several as one.

    Args:
        bundles: Bundle folders, at least one.
        precision: One of `peftsp.model.bundle_files.GRAPH_FILES`: arithmetic of the backbone.
        backbone: Where its weights lie, if not where the bundles say.
        calibration: FASTA file of proteins on which int8 finds the scales of activations.
        allow_code: Packages whose code may be imported for a bundle's method.

    Raises:
        PeftspError: A bundle or its backbone is missing or broken, or cannot be exported so.
    """
    taggers = load_taggers(bundles, backbone_checkpoint=backbone, allow_code=allow_code)
    check_needed(taggers, backbone)
    for tagger in taggers:
        if tagger.backbone.source.quantization:
            raise ConfigError(
                f"export: expected bundles trained without backbone.quantization, found "
                f"{tagger.backbone.source.quantization}"
            )
    for tagger in taggers if precision == "int8" else []:
        hold_in_int8(tagger, read_fasta(calibration))
    tokens = torch.full((2, TOKENS), PAD_TOKEN)
    inputs = dict(zip(INPUTS, (tokens, torch.full((2,), -1)), strict=True))
    model = write_graph(ResultsModule(taggers).eval(), inputs, OUTPUTS)
    model.metadata_props[METADATA] = json.dumps(describe(bundles, precision))
    return model


def describe(bundles: Sequence[Path], precision: str) -> dict[str, Any]:
    """What a graph says of itself, JSON-compatible.

    Args:
        bundles: Bundle folders it was made of.
        precision: Arithmetic of the backbone.
    """
    return {
        "peftsp": __version__,
        "precision": precision,
        "alphabet": ALPHABET,
        "residues": MAX_RESIDUES,
        "organisms": KINGDOMS,
        "sp_types": SP_TYPES,
        "states": STATES,
        "regions": RESIDUE_REGIONS,
        "peptide_regions": PEPTIDE_REGIONS,
        "bundles": [
            {
                "name": bundle.resolve().name,
                "sha256": hash_bundle(bundle),
                "config": _config(bundle),
                "card": _text(bundle / "README.md"),
                "licence": _text(bundle / "LICENSE"),
            }
            for bundle in bundles
        ],
    }


def _config(bundle: Path) -> dict[str, Any]:
    """Settings of a bundle, without the marks of the proteins it has seen: 8 letters for each."""
    config: dict[str, Any] = json.loads((bundle / CONFIG_FILE).read_text(encoding="utf-8"))
    config["training"].pop("proteins", None)
    return config


def _round_weights(model: ir.Model) -> None:
    """Compute once what a graph in int8 computes of its weights alone; changed in place."""
    steps = {"QuantizeLinear", "Mul", "Transpose"}
    fold_constants(
        model,
        should_fold=lambda node: node.op_type in steps,
        input_size_limit=sys.maxsize,
        output_size_limit=sys.maxsize,
    )
    RemoveUnusedNodesPass()(model)


def save_model(model: ir.Model, path: Path, most_bytes: int = _MOST_BYTES) -> None:
    """Write a graph to a file.

    Args:
        model: The graph.
        path: Its file; weights beyond what one file holds go to ``<path>.data`` beside it.
        most_bytes: What one file holds.
    """
    _round_weights(model)
    tensors = (value.const_value for value in model.graph.initializers.values())
    size = sum(tensor.nbytes for tensor in tensors if tensor is not None)
    data = path.with_name(path.name + ".data") if size > most_bytes else None
    ir.save(model, path, external_data=data and data.name)
    onnx.checker.check_model(path, full_check=True)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
