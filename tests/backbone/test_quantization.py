"""NF4 beside its definition in the QLoRA paper, and a backbone held in it."""

import sys

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from peftsp.backbone.checkpoint import content_hash, hold_weights, load_backbone, read_weights
from peftsp.backbone.quantization import NF4Linear, nf4_parts
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.errors import ConfigError

SPEC = BackboneSpec("small", layers=2, width=64, heads=4)
# Appendix E of the paper.
LEVELS = torch.tensor(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ]
)


@pytest.fixture(autouse=True)
def library():
    return pytest.importorskip("bitsandbytes")


def make_layer(weight):
    out_features, in_features = weight.shape
    layer = NF4Linear(in_features, out_features)
    bias = torch.linspace(-1, 1, out_features)
    layer.load_state_dict({**nf4_parts(weight), "bias": bias})
    return layer


def held_weight(layer):
    return (layer(torch.eye(layer.in_features)) - layer.bias).T


def round_as_in_the_paper(weight):
    """Nearest levels of each block of 64, with scales that are not rounded themselves."""
    blocks = weight.reshape(-1, 64)
    scales = blocks.abs().amax(dim=1, keepdim=True)
    nearest = ((blocks / scales)[..., None] - LEVELS).abs().argmin(dim=-1)
    return (LEVELS[nearest] * scales).reshape(weight.shape), scales


@pytest.fixture
def weight():
    return torch.randn(96, 128, generator=torch.Generator().manual_seed(0))


def test_weights_are_those_of_the_paper(weight):
    expected, scales = round_as_in_the_paper(weight)
    found = held_weight(make_layer(weight)).detach()
    # Double quantisation rounds the scales, of which eight bits keep two digits.
    tolerance = 0.02 * scales.max()
    assert (found - expected).abs().max() < tolerance
    # Half of the widest gap between two levels.
    largest = (weight - found).abs().reshape(-1, 64).amax(dim=1, keepdim=True)
    assert (largest <= 0.5 * LEVELS.diff().max() * scales + tolerance).all()


def test_gradient_of_the_input_is_that_of_the_held_weight(weight):
    layer = make_layer(weight).requires_grad_(False)
    x = torch.randn(3, 5, 128, requires_grad=True)
    layer(x).square().sum().backward()
    plain = nn.functional.linear(again := x.detach().clone().requires_grad_(), held_weight(layer))
    (plain + layer.bias).square().sum().backward()
    torch.testing.assert_close(x.grad, again.grad, rtol=1e-4, atol=1e-3)


def test_autocasting_decides_the_dtype_of_the_product(weight):
    layer = make_layer(weight)
    x = torch.randn(2, 128)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), layer(x), rtol=0.05, atol=0.2)


def test_quantized_backbone_is_near_the_plain_one():
    plain, held = (
        load_backbone(SPEC, "random", seed=2, quantization=q).eval() for q in (None, "nf4")
    )
    tokens = torch.randint(4, 24, (4, 30), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(tokens).bool()
    with torch.no_grad():
        expected, found = plain(tokens, mask), held(tokens, mask)
    assert nn.functional.cosine_similarity(expected, found, dim=-1).min() > 0.98
    assert not torch.allclose(expected, found, atol=1e-3), "four bits have been used"
    assert held.content_hash == plain.content_hash
    assert held.source.quantization == "nf4"


def test_four_bits_a_weight_and_little_more():
    held = load_backbone(SPEC, "random", quantization="nf4")
    layers = [module for module in held.modules() if isinstance(module, NF4Linear)]
    weights = sum(layer.n_weights for layer in layers)
    assert weights == SPEC.layers * 12 * SPEC.width**2
    codes_and_scales = sum(layer.codes.nbytes + layer.scales.nbytes for layer in layers)
    assert codes_and_scales == weights / 2 + weights / 64
    assert weights + sum(p.numel() for p in held.parameters()) == SPEC.parameters


def test_quantizing_holds_one_matrix_at_a_time():
    spec = BackboneSpec("deep", layers=16, width=64, heads=4)
    source = BackboneSource(spec, "random", quantization="nf4")
    weights, _ = read_weights(source)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        held = hold_weights(weights, source, torch.float32)
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    balance = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        balance += event.nbytes()
        peak = max(peak, balance)
    kept = sum(t.nbytes for name, t in held.items() if name not in weights)
    largest = 4 * 4 * spec.width**2
    assert kept <= peak < kept + 4 * largest
    assert peak < spec.parameters


def test_bits_do_not_depend_on_the_dtype_of_the_file():
    weights, _ = read_weights(BackboneSource(SPEC, "random"))
    half = weights["layers.0.fc1.weight"].half()
    for name, part in nf4_parts(half).items():
        assert torch.equal(part, nf4_parts(half.float())[name]), name
    assert content_hash({"x": half}) == content_hash({"x": half.float()})


def test_missing_library_and_unknown_quantization_are_one_clear_error(monkeypatch):
    with pytest.raises(ConfigError, match=r"backbone\.quantization: expected null .*'int3'"):
        load_backbone(SPEC, "random", quantization="int3")
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(ConfigError, match=r"expected bitsandbytes .* pip install bitsandbytes"):
        load_backbone(SPEC, "random", quantization="nf4")
