"""The recursions of a graph, against those of PyTorch."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnxscript import ir
from torch import nn

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.export.graph import write_graph

LENGTHS = (1, 2, 7, 12)


class Recursions(nn.Module):
    def __init__(self, crf):
        super().__init__()
        self.crf = crf

    def forward(self, emissions, mask, allowed):
        more = torch.arange(37) < 20
        return (
            self.crf.marginals(emissions, mask),
            self.crf.last_marginals(emissions, mask, more),
            self.crf.decode(emissions, mask, allowed),
        )


@pytest.fixture(scope="module")
def mask():
    return torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


@pytest.mark.slow
@pytest.mark.parametrize(("constraint", "spread"), [("hard", 60.0), ("soft", 1.0)])
def test_recursions_of_a_graph_are_those_of_pytorch(constraint, spread, mask):
    torch.manual_seed(0)
    crf = LinearChainCRF(constraint_table("peftsp"), constraint)
    module = Recursions(crf).eval().requires_grad_(False)
    emissions = torch.randn(*mask.shape, 37) * spread
    allowed = torch.randn(len(mask), 1, 37).expand_as(emissions) > -1
    inputs = {"emissions": emissions, "mask": mask, "allowed": allowed}
    graph = ir.to_proto(write_graph(module, inputs, ["marginals", "last", "path"]))
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    # Twice as many sequences as the graph was made with.
    twice = {
        name: np.tile(value.numpy(), (2, 1, 1)[: value.dim()]) for name, value in inputs.items()
    }
    found = session.run(None, twice)
    for ours, exact in zip(found, module.double()(emissions.double(), mask, allowed), strict=True):
        np.testing.assert_allclose(ours, np.tile(exact, (2, 1, 1)[: exact.dim()]), atol=1e-6)
