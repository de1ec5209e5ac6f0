"""A loop over residues as one node, against the same loop in NumPy."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxscript import ir
from onnxscript import opset23 as op
from torch import nn

from peftsp.export.graph import write_graph
from peftsp.export.nodes import TRANSLATIONS
from peftsp.export.scan import Loop

RESIDUES = 5


def decay(values, is_real, start):
    """What is left halves and takes up a value where there is one, in both directions."""
    half = op.Constant(value=ir.tensor(0.5, dtype=ir.DataType.FLOAT))
    found = []
    for backwards in (False, True):
        loop = Loop(ir.DataType.FLOAT, ir.DataType.FLOAT, ir.DataType.BOOL)
        value, real = loop.read
        halved = loop.add("Mul", loop.carried, half)
        left = loop.add("Where", real, loop.add("Add", halved, value), halved)
        # Forwards each residue gives what it found, backwards what it leaves.
        gives = left if backwards else loop.carried
        found += loop.run(start, [values, is_real], left, gives, backwards=backwards)
    return found


def decay_in_numpy(values, is_real, start, backwards):
    left, given = start, np.zeros_like(values)
    places = range(len(values))
    for place in reversed(places) if backwards else places:
        before = left
        left = 0.5 * left + np.where(is_real[place], values[place], 0)
        given[place] = left if backwards else before
    return left, given


class Decay(nn.Module):
    def forward(self, values, is_real, start):
        last, given, first, taken = torch.ops.peftsp_test.decay(values.T, is_real.T, start)
        return last, given.T, first, taken.T


@pytest.fixture(scope="module")
def session():
    with (
        torch.library._scoped_library("peftsp_test", "DEF") as library,
        pytest.MonkeyPatch.context() as patch,
    ):
        library.define(
            "decay(Tensor values, Tensor is_real, Tensor start) -> (Tensor, Tensor, Tensor, Tensor)"
        )

        @torch.library.register_fake("peftsp_test::decay", lib=library)
        def _shapes(values, is_real, start):
            return (*(torch.empty_like(x) for x in (start, values, start, values)),)

        patch.setitem(TRANSLATIONS, torch.ops.peftsp_test.decay.default, decay)
        shape = (2, RESIDUES)
        inputs = {
            "values": torch.zeros(shape),
            "is_real": torch.zeros(shape, dtype=torch.bool),
            "start": torch.zeros(2),
        }
        graph = write_graph(Decay(), inputs, ["last", "given", "first", "taken"])
    written = ir.to_proto(graph)
    onnx.checker.check_model(written, full_check=True)
    return onnxruntime.InferenceSession(written.SerializeToString())


@pytest.mark.parametrize("rows", [1, 4])
def test_loop_goes_both_ways_and_gives_residues_in_their_order(session, rows):
    rng = np.random.default_rng(rows)
    values = rng.normal(size=(rows, RESIDUES)).astype(np.float32)
    is_real = rng.random((rows, RESIDUES)) < 0.6
    start = rng.normal(size=rows).astype(np.float32)
    found = session.run(None, {"values": values, "is_real": is_real, "start": start})
    for backwards, (left, given) in enumerate((found[:2], found[2:])):
        expected = decay_in_numpy(values.T, is_real.T, start, bool(backwards))
        np.testing.assert_allclose(left, expected[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(given, expected[1].T, rtol=1e-5, atol=1e-6)


def test_loops_of_a_graph_have_names_of_their_own():
    loops = [Loop(ir.DataType.FLOAT, ir.DataType.FLOAT) for _ in range(2)]
    names = [value.name for loop in loops for value in (loop.carried, *loop.read)]
    assert len(set(names)) == 4
