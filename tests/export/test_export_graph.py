"""A small module as a graph: it takes any number of rows and tells nothing of its making."""

import io
import logging
import warnings
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import onnxruntime
import pytest
import torch
from onnxscript import ir
from torch import nn

from peftsp.export.graph import write_graph
from peftsp.export.nodes import OPSET

NAMES = ("torch.onnx", "onnxscript", "onnx_ir")


class Mixture(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(3, 2))

    def forward(self, table, number):
        return table @ self.weight, number[:, None] * table


@pytest.fixture(scope="module")
def written():
    """The graph, and what was said while it was written."""
    said = io.StringIO()
    inputs = {"table": torch.zeros(2, 3), "number": torch.zeros(2)}
    with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = write_graph(Mixture().eval(), inputs, ["product", "scaled"])
    return model, said.getvalue(), told


@pytest.fixture(scope="module")
def content(written):
    return ir.to_proto(written[0]).SerializeToString()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_graph_takes_any_number_of_rows(content, rows):
    table = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    number = np.arange(rows, dtype=np.float32)
    session = onnxruntime.InferenceSession(content)
    feed = {"table": table, "number": number}
    scaled, product = session.run(["scaled", "product"], feed)
    weight = np.arange(6).reshape(3, 2)
    np.testing.assert_allclose(product, table @ weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scaled, number[:, None] * table, rtol=1e-6)


def test_names_and_other_dimensions_are_fixed(written, content):
    session = onnxruntime.InferenceSession(content)
    assert [value.name for value in session.get_inputs()] == ["table", "number"]
    assert [value.name for value in session.get_outputs()] == ["product", "scaled"]
    rows, width = session.get_inputs()[0].shape
    assert isinstance(rows, str)
    assert width == 3
    assert written[0].opset_imports[""] == OPSET


def test_nodes_forget_which_lines_and_modules_they_come_from(content):
    assert b".py" not in content
    assert b"Mixture" not in content


def test_nothing_is_said_while_it_is_written(written):
    assert written[1:] == ("", [])


def test_loggers_keep_their_levels_whatever_happens():
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [logger.level for logger in loggers]
    try:
        for level, logger in enumerate(loggers, start=21):
            logger.setLevel(level)
        with pytest.raises(TypeError):
            write_graph(Mixture(), {}, [])
        assert [logger.level for logger in loggers] == [21, 22, 23]
    finally:
        for level, logger in zip(before, loggers, strict=True):
            logger.setLevel(level)
