"""Attention in half precision on a CPU against PyTorch's own in single precision."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from peftsp.backbone.attention import attention


@pytest.mark.parametrize("is_padded", [False, True])
def test_half_precision_gives_the_values_and_gradients_of_single_precision(is_padded):
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(2, 3, 9, 16, generator=generator).bfloat16() for _ in range(3)]
    visible = torch.ones(2, 1, 1, 9, dtype=torch.bool)
    visible[1, ..., 6:] = not is_padded
    mask = visible if is_padded else None
    half = [x.clone().requires_grad_() for x in inputs]
    single = [x.float().requires_grad_() for x in inputs]
    found = attention(*half, mask)
    expected = scaled_dot_product_attention(*single, attn_mask=mask)
    torch.testing.assert_close(found.float(), expected, rtol=0.03, atol=0.03)
    found.float().square().sum().backward()
    expected.square().sum().backward()
    for ours, theirs in zip(half, single, strict=True):
        torch.testing.assert_close(ours.grad.float(), theirs.grad, rtol=0.05, atol=0.1)
