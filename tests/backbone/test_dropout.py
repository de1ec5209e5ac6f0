"""Dropout drops as many features as asked for, and makes up for them."""

import pytest
import torch

from peftsp.backbone.dropout import dropout

SIZE = 300_001


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_features_are_dropped_as_often_as_asked_for(probability, dtype):
    torch.manual_seed(0)
    out = dropout(torch.ones(SIZE, dtype=dtype), probability, training=True)
    assert out.dtype == dtype
    share = (out == 0).double().mean().item()
    deviation = (probability * (1 - probability) / SIZE) ** 0.5
    assert share == pytest.approx(probability, abs=5 * deviation + 2**-16)
    kept = out[out != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - probability)))


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    is_dropped = dropout(torch.ones(SIZE), 0.5, training=True) == 0
    for distance in (1, 2, 3, 4):
        both = (is_dropped[:-distance] & is_dropped[distance:]).double().mean().item()
        assert both == pytest.approx(0.25, abs=0.005)


def test_gradient_goes_where_features_went():
    x = torch.randn(3, 5, 7, requires_grad=True)
    out = dropout(x, 0.4, training=True)
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(out == 0, 0.0, 1 / 0.6))


def test_seed_decides():
    x = torch.ones(1000)
    torch.manual_seed(1)
    first = dropout(x, 0.5, training=True)
    other = dropout(x, 0.5, training=True)
    torch.manual_seed(1)
    assert torch.equal(dropout(x, 0.5, training=True), first)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("probability", "training"), [(0.5, False), (0.0, True)])
def test_nothing_is_dropped_unless_asked_for(probability, training):
    x = torch.randn(10)
    assert dropout(x, probability, training) is x
