import random

import pytest
import torch
from torch import nn

from peftsp.export.int8 import Range, hold_in_int8
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers
from peftsp.records import SequenceRecord


@pytest.fixture
def proteins():
    rng = random.Random(1)
    return [
        SequenceRecord(f"p{number}", "".join(rng.choices("ACDEFGHIKLMNPQRSTVWY", k=60)))
        for number in range(30)
    ]


def test_range_holds_all_that_was_seen():
    found = Range(*torch.zeros(2, 3))
    found.widen(torch.tensor([[[1.0, -2.0, 3.0]], [[4.0, 5.0, -0.5]]]))
    assert found.low.tolist() == [0.0, -2.0, -0.5]
    assert found.high.tolist() == [4.0, 5.0, 3.0]
    assert found.divided(torch.tensor([2.0, 1.0, 0.5])).high.tolist() == [2.0, 5.0, 6.0]


@torch.no_grad()
def test_large_features_leave_steps_for_the_others(bundles, proteins):
    """A feature that is a thousand times as large, with weights that are as much smaller."""
    [tagger] = load_taggers(bundles[:1])
    block = tagger.backbone.get_submodule("layers.0")
    block.final_layer_norm.weight[3] *= 1000
    block.final_layer_norm.bias[3] *= 1000
    block.fc1.weight[:, 3] /= 1000
    given = []
    hook = block.fc1.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
    list(predict_records(proteins, [tagger], 30))
    hook.remove()
    linear = nn.Linear(*reversed(block.fc1.weight.shape))
    linear.load_state_dict(block.fc1.state_dict())
    expected = linear(given[0])
    unbalanced = block.final_layer_norm.weight.clone()
    hold_in_int8(tagger, proteins)
    sizes = unbalanced / block.final_layer_norm.weight
    found = emulate(block.fc1, given[0] / sizes)
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()


def emulate(layer, x):
    """What ONNX Runtime does with a layer, in float."""
    rounded = (x / layer.step + layer.zero).round().clamp(0, 255) - layer.zero.float()
    weight = (layer.weight.T * layer.sizes / layer.scales).round()
    return (rounded @ weight) * layer.step * layer.scales + layer.bias
