"""The low-rank update beside the same made of plain operations."""

import pytest
import torch

from peftsp.backbone.dropout import draw_kept
from peftsp.peft.low_rank import add_low_rank

SCALE = 0.7


def inputs(dtype=torch.float64):
    torch.manual_seed(0)
    shapes = (2, 5, 6), (2, 5, 4), (3, 4), (6, 3)
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_values_and_gradients_are_those_of_plain_operations(dropout):
    out, x, first, second = inputs()
    torch.manual_seed(1)
    found = add_low_rank(out, x, first, second, SCALE, dropout)
    torch.manual_seed(1)
    kept = x * draw_kept(x.flatten(0, 1), dropout).view_as(x) / (1 - dropout) if dropout else x
    expected = out + SCALE * kept @ first.T @ second.T
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    of_found = torch.autograd.grad((found * weights).sum(), (out, x, first, second))
    of_expected = torch.autograd.grad((expected * weights).sum(), (out, x, first, second))
    torch.testing.assert_close(of_found, of_expected)


def test_gradients_equal_finite_differences():
    assert torch.autograd.gradcheck(lambda *given: add_low_rank(*given, SCALE), inputs())


def test_an_input_that_needs_no_gradient_gets_none():
    out, x, first, second = inputs()
    x = x.detach()
    add_low_rank(out, x, first, second, SCALE).sum().backward()
    assert x.grad is None
    assert first.grad is not None


def test_updates_share_what_they_keep_of_the_input():
    _, x, first, second = inputs(torch.float32)
    # The tensors themselves, since one that is gone may leave its place to another.
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        for _ in range(3):
            add_low_rank(torch.zeros(2, 5, 6), x, first, second, SCALE, 0.5)
    floats = x.numel() + first.numel() + second.numel() + 3 * 2 * 5 * len(first)
    sizes = {tensor.data_ptr(): tensor.nbytes for tensor in kept}
    assert sum(sizes.values()) == 4 * floats + 3 * x.numel()


def test_parameters_in_float32_get_gradients_beside_an_output_in_bfloat16():
    out, x, first, second = inputs(torch.float32)
    found = add_low_rank(out.detach().bfloat16(), x, first, second, SCALE)
    assert found.dtype == torch.bfloat16
    found.float().sum().backward()
    assert first.grad.dtype == second.grad.dtype == x.grad.dtype == torch.float32
