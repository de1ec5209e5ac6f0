"""What the one node of attention is given, so that it computes what fair-esm does."""

import math

import pytest
import torch
from esm.rotary_embedding import RotaryEmbedding

from peftsp.backbone.exported import rotary_attention
from peftsp.backbone.rotary import inverse_frequencies, rotary_tables

HEADS, WIDTH = 2, 8
LENGTHS = (6, 4, 1)


def turn(features, positions, cosines, sines):
    """The operator RotaryEmbedding of ONNX: the halves of a head are real and imaginary parts."""
    factors = torch.complex(cosines, sines)[positions][:, None]
    turned = torch.complex(*features.chunk(2, dim=-1)) * factors
    return torch.cat([turned.real, turned.imag], dim=-1)


def attend(query, key, value, bias, positions, cosines, sines, heads):
    """The node, as ONNX's RotaryEmbedding and Attention define it."""
    split = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value)]
    query, key = (turn(x, positions, cosines, sines) for x in split[:2])
    weights = (query @ key.mT / math.sqrt(query.shape[-1]) + bias).softmax(dim=-1)
    return (weights @ split[2]).transpose(1, 2).flatten(2)


@pytest.fixture
def _node_computes():
    with torch.library._scoped_library("peftsp_backbone", "IMPL") as library:
        library.impl("rotary_attention", attend, "CPU")
        yield


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, len(LENGTHS), max(LENGTHS), HEADS * WIDTH, generator=generator)


def tables():
    frequencies = inverse_frequencies(WIDTH)
    return rotary_tables(max(LENGTHS), frequencies, torch.device("cpu"), torch.float32)


@pytest.mark.usefixtures("_node_computes")
def test_node_turns_and_attends_as_fair_esm(inputs):
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    found = rotary_attention(*inputs, *tables(), mask[:, None, None], HEADS)
    for row, length in enumerate(LENGTHS):
        query, key, value = (
            x[row, :length].unflatten(-1, (HEADS, WIDTH)).transpose(0, 1) for x in inputs
        )
        query, key = RotaryEmbedding(WIDTH)(query, key)
        weights = (query @ key.mT * WIDTH**-0.5).softmax(dim=-1)
        expected = (weights @ value).transpose(0, 1).flatten(1)
        torch.testing.assert_close(found[row, :length], expected, rtol=1e-5, atol=1e-6)


def test_shape_of_what_the_node_gives_is_known_without_computing():
    inputs = torch.empty(3, 2, 6, HEADS * WIDTH, dtype=torch.float64, device="meta")
    visible = torch.ones(2, 1, 1, 6, dtype=torch.bool, device="meta")
    found = rotary_attention(*inputs, *(x.to("meta") for x in tables()), visible, HEADS)
    assert (found.shape, found.dtype) == (inputs.shape[1:], torch.float64)
