"""Dtypes and kept tensors as on a GPU, for modules that have no numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from peftsp.backbone.checkpoint import empty_backbone
from peftsp.backbone.quantization import NF4Linear
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.memory.gpu_arithmetic import GPUArithmetic, compute_as_a_gpu
from peftsp.memory.live_bytes import LiveBytes

SPEC = BackboneSpec("small", layers=1, width=16, heads=2)
HALVES = pytest.mark.parametrize("half", [None, torch.bfloat16, torch.float16])


def empty(*shape, **settings):
    return torch.empty(*shape, device="meta", **settings)


@HALVES
def test_products_are_in_half_precision_and_norms_and_sums_in_single(half):
    x, weight = empty(3, 16), empty(8, 16)
    with GPUArithmetic(half):
        assert F.linear(x, weight).dtype == (half or torch.float32)
        assert (x @ weight.T).dtype == (half or torch.float32)
        assert (x + x).dtype == torch.float32
    rounded = x.to(half or torch.float32)
    with GPUArithmetic(half):
        assert F.layer_norm(rounded, (16,)).dtype == torch.float32


def test_products_are_as_under_autocasting():
    x, linear = torch.randn(3, 16), nn.Linear(16, 8)
    with torch.autocast("cpu", torch.bfloat16):
        expected = linear(x)
    with GPUArithmetic(torch.bfloat16):
        found = linear(x)
    assert torch.equal(found, expected)
    assert found.dtype == expected.dtype


def test_without_a_half_type_each_tensor_keeps_its_own():
    x = empty(3, 16, dtype=torch.float64)
    with GPUArithmetic(None):
        assert F.layer_norm(x, (16,)).dtype == torch.float64
        assert F.linear(x, empty(4, 16, dtype=torch.float64)).dtype == torch.float64


def test_whole_numbers_are_not_cast():
    with GPUArithmetic(torch.bfloat16):
        assert torch.matmul(torch.ones(2, 2).long(), torch.ones(2, 2).long()).dtype == torch.int64


def test_some_token_is_always_taken_for_padding():
    with GPUArithmetic(None):
        assert not torch.ones(3).bool().all()


@HALVES
def test_attention_keeps_a_number_a_row_and_no_scores(half):
    query, key, value = (empty(2, 4, 50, 8, requires_grad=True) for _ in range(3))
    with LiveBytes([query, key, value]) as live, GPUArithmetic(half):
        out = F.scaled_dot_product_attention(query, key, value)
    numbers = 2 * 4 * 50 * 8
    # Three rounded inputs, the output, and the float32 logarithms of the rows' sums.
    expected = 4 * 2 * numbers if half else 4 * numbers
    assert live.now == expected + 4 * 2 * 4 * 50
    assert (out.shape, out.dtype) == (query.shape, half or torch.float32)
    out.backward(torch.empty_like(out))
    assert query.grad.shape == query.shape


@HALVES
def test_backbone_gives_the_dtypes_of_a_gpu_when_it_recomputes_too(half):
    backbone = empty_backbone(BackboneSource(SPEC), activation_checkpointing=True).train()
    compute_as_a_gpu(backbone, half)
    seen = {}
    for name, module in backbone.layers[0].named_modules():
        dtypes = seen[name] = []
        module.register_forward_hook(lambda _, inputs, out, dtypes=dtypes: dtypes.append(out.dtype))
    out = backbone.requires_grad_(True)(empty(2, 12, dtype=torch.int64), empty(2, 12).bool())
    out.backward(torch.empty_like(out))
    assert (out.shape, out.dtype) == ((2, 10, 16), torch.float32)
    # What follows the last tensor that is kept is not computed again.
    for name in ("self_attn.q_proj", "fc1"):
        assert seen[name] == [half or torch.float32] * 2, name
    assert seen["final_layer_norm"] == [torch.float32] * 2


@HALVES
def test_rotary_tables_are_in_half_precision(half):
    backbone = empty_backbone(BackboneSource(SPEC))
    compute_as_a_gpu(backbone, half)
    with GPUArithmetic(half):
        context = backbone.context(empty(2, 12, 16), empty(2, 12, dtype=torch.bool))
    assert context.cosines.dtype == context.sines.dtype == (half or torch.float32)


def test_layer_in_four_bits_keeps_nothing_and_spreads_its_weight_out_for_a_moment():
    layer = NF4Linear(32, 64).to("meta")
    compute_as_a_gpu(nn.Sequential(layer), torch.bfloat16)
    x = empty(5, 32, dtype=torch.bfloat16, requires_grad=True)
    with LiveBytes([x, *layer.buffers(), *layer.parameters()]) as live:
        out = layer(x)
        assert out.shape == (5, 64)
        assert live.now == out.nbytes == 2 * 5 * 64
        assert live.peak == live.now + 2 * 32 * 64
    out.backward(torch.empty_like(out))
    assert x.grad.shape == x.shape
