"""BitFit beside Hugging Face PEFT's, which calls it BEFT."""

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import HuggingFace

SPEC = BackboneSpec("oracle", layers=3, width=32, heads=4)
PLACES = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
TOKENS = torch.tensor([[0, 20, 15, 4, 5, 9, 2], [0, 20, 10, 8, 2, 1, 1]])
MASK = TOKENS != 1
REAL = MASK[:, 2:]


def pair(last_k, dtype=torch.float32):
    """Ours and theirs with the same shifts, each with its parameters by layer."""
    methods = BitFit(PLACES, last_k), HuggingFace("BEFT", {"target_modules": PLACES}, last_k, True)
    ours, theirs = (m.apply(load_backbone(SPEC, "random", seed=3).to(dtype)) for m in methods)
    names = {
        name: name.replace("shift", "beft_bias.default")
        for name in methods[0].parameter_names(SPEC)
    }
    assert set(names.values()) == methods[1].parameter_names(SPEC)
    for name, their_name in names.items():
        shift = torch.randn(ours.get_parameter(name).shape)
        ours.get_parameter(name).data = shift.clone()
        theirs.get_parameter(their_name).data = shift[None].clone()
    return ours, theirs, names


@pytest.mark.parametrize("last_k", [None, 2])
def test_values_and_gradients_equal_hugging_face_peft(last_k):
    ours, theirs, names = pair(last_k)
    found, expected = ours(TOKENS, MASK), theirs(TOKENS, MASK)
    torch.testing.assert_close(found[REAL], expected[REAL], rtol=1e-5, atol=1e-5)
    found[REAL].square().sum().backward()
    expected[REAL].square().sum().backward()
    for name, their_name in names.items():
        theirs_here = theirs.get_parameter(their_name).grad[0]
        torch.testing.assert_close(ours.get_parameter(name).grad, theirs_here, rtol=1e-4, atol=1e-4)


def test_shifts_of_a_half_precision_backbone_are_held_in_full():
    ours, theirs, names = pair(None, torch.bfloat16)
    assert all(ours.get_parameter(name).dtype == torch.float32 for name in names)
    found, expected = ours(TOKENS, MASK), theirs(TOKENS, MASK)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found[REAL], expected[REAL], rtol=0.05, atol=0.05)


def test_shifts_beside_quantized_weights():
    held = load_backbone(SPEC, "random", quantization="nf4")
    method = BitFit(PLACES, None)
    adapted = method.apply(held)
    layer = adapted.get_submodule("layers.1.fc1")
    x = torch.randn(5, SPEC.width)
    plain = layer(x)
    layer.shift.data = torch.randn(4 * SPEC.width)
    torch.testing.assert_close(layer(x), plain + layer.shift)
    adapted(TOKENS, MASK).square().sum().backward()
    assert layer.shift.grad.any()
    assert method.merge(adapted).get_submodule("layers.1.fc1") is layer


@pytest.mark.parametrize(
    ("places", "last_k", "message"),
    [
        (("q", "fc1"), None, r"peft\.target_modules: .* found q$"),
        ((), None, r"peft\.target_modules: .* found none"),
        (("fc1", "fc1"), None, r"peft\.target_modules: expected each once, found fc1, fc1"),
        (("fc1",), 4, r"peft\.last_k: expected 1 to 3 layers of oracle, found 4"),
    ],
)
def test_settings_that_do_not_fit_are_refused(places, last_k, message):
    with pytest.raises(ConfigError, match=message):
        BitFit(places, last_k).parameter_names(SPEC)
