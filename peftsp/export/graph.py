"""A module as an ONNX graph."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from onnxscript import ir
from torch import Tensor, nn

from peftsp.export.nodes import OPSET, TRANSLATIONS


def write_graph(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]
) -> ir.Model:
    """Write a module out as nodes.

    Args:
        module: In evaluation mode.
        inputs: An example of each, by name and in the order of the module's; the graph takes any
            number of rows, and all other dimensions as they are.
        outputs: Names of what the module gives.
    """
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} for _ in inputs)
    with torch.no_grad(), _quiet():
        program = torch.export.export(module, tuple(inputs.values()), dynamic_shapes=shapes)
        written = torch.onnx.export(
            program,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            custom_translation_table=TRANSLATIONS,
            verbose=False,
        )
    assert written is not None
    model: ir.Model = written.model
    _forget_sources(model)
    return model


def _forget_sources(model: ir.Model) -> None:
    """Take out which lines of which files the nodes came from: paths of this machine."""
    graphs: list[ir.Graph | ir.Function] = [model.graph, *model.functions.values()]
    for graph in graphs:
        for node in ir.traversal.RecursiveGraphIterator(graph):
            node.metadata_props.clear()
            for value in node.outputs:
                value.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's words about itself from the user."""
    names = ("torch.onnx", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
