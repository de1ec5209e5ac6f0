"""The residual bottleneck beside its equation in NumPy."""

import numpy as np
import pytest
import torch

from peftsp.peft.bottleneck import BOTTLENECK_PARAMETERS, Bottleneck


@pytest.fixture
def residues():
    return torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))


def test_values_are_those_of_the_equation(residues):
    torch.manual_seed(1)
    module = Bottleneck(6, 4, identity=False).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    weights = {name: p.detach().double().numpy() for name, p in module.named_parameters()}
    z = residues.double().numpy()
    hidden = np.maximum(z @ weights["down.weight"].T + weights["down.bias"], 0)
    up = hidden @ weights["up.weight"].T + weights["up.bias"]
    centred = up - up.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    expected = z + scaled * weights["norm.weight"] + weights["norm.bias"]
    np.testing.assert_allclose(module(residues).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert (hidden == 0).any(), "the ReLU has an effect"


def test_it_starts_without_effect_but_learns(residues):
    torch.manual_seed(0)
    module = Bottleneck(6, 3, identity=True)
    out = module(residues)
    assert torch.equal(out, residues)
    out.square().sum().backward()
    assert module.norm.weight.grad.any()


def test_as_published_the_start_adds_a_vector_of_the_length_of_the_width(residues):
    torch.manual_seed(0)
    added = Bottleneck(6, 3, identity=False)(residues) - residues
    lengths = added.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full((2, 5), 6**0.5), rtol=1e-3, atol=0)


def test_half_precision_comes_out_as_it_goes_in_unless_autocasting(residues):
    torch.manual_seed(0)
    module = Bottleneck(6, 3, identity=False)
    expected = module(residues)
    half = module(residues.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0, atol=0.05)
    with torch.autocast("cpu", torch.bfloat16):
        assert module(residues).dtype == torch.float32


def test_all_parameters_are_named():
    names = [name for name, _ in Bottleneck(4, 2, identity=True).named_parameters()]
    assert sorted(BOTTLENECK_PARAMETERS) == sorted(names)
