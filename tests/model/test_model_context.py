"""What stands around a residue, beside the same in plain sums."""

import pytest
import torch

from peftsp.model.context import CONTEXT_WIDTH, ResidueContext

RESIDUES = torch.randn(5, 7, 16, generator=torch.Generator().manual_seed(0))
EVERYWHERE = torch.ones(5, 7, dtype=torch.bool)


@pytest.fixture
def context():
    torch.manual_seed(0)
    return ResidueContext(16, window=3, dropout=0.1).eval()


def test_context_is_two_convolutions_over_neighbours(context):
    def convolve(layer, features):
        """Each residue sees itself and one neighbour at either side, zeros beyond the ends."""
        padded = torch.nn.functional.pad(features, (0, 0, 1, 1))
        rows = [
            sum(layer.weight[:, :, k] @ padded[position + k] for k in range(3)) + layer.bias
            for position in range(len(features))
        ]
        return torch.nn.functional.gelu(torch.stack(rows))

    found = context(RESIDUES, EVERYWHERE)
    assert found.shape == (5, 7, CONTEXT_WIDTH)
    for row, residues in enumerate(RESIDUES):
        expected = convolve(context.second, convolve(context.first, residues))
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-4)


def test_context_ends_with_the_sequence(context):
    short = EVERYWHERE.clone()
    short[:, 4:] = False
    padded = RESIDUES.masked_fill(~short[..., None], 7.0)
    found = context(padded, short)[:, :4]
    torch.testing.assert_close(found, context(RESIDUES[:, :4], EVERYWHERE[:, :4]))
    assert not torch.allclose(found, context(RESIDUES, EVERYWHERE)[:, :4])


@pytest.mark.parametrize(("window", "reach"), [(1, 0), (3, 2), (5, 4)])
def test_a_residue_sees_twice_half_the_window_to_either_side(window, reach):
    torch.manual_seed(0)
    context = ResidueContext(4, window, 0.0)
    residues = torch.randn(1, 13, 4, requires_grad=True)
    context(residues, torch.ones(1, 13, dtype=torch.bool))[0, 6].sum().backward()
    seen = residues.grad[0].any(dim=1).nonzero().flatten().tolist()
    assert seen == list(range(6 - reach, 7 + reach))


def test_features_are_dropped_in_training_alone(context):
    context.dropout = 0.5
    plain = context(RESIDUES, EVERYWHERE)
    assert torch.equal(context(RESIDUES, EVERYWHERE), plain)
    assert not torch.allclose(context.train()(RESIDUES, EVERYWHERE), plain)
