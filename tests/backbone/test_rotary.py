"""Rotary positions against fair-esm's, and against a turn in the complex plane."""

import pytest
import torch
from esm.rotary_embedding import RotaryEmbedding

from peftsp.backbone.rotary import (
    AttentionShape,
    inverse_frequencies,
    is_half,
    rotary_tables,
    rotate,
)
from peftsp.errors import CheckpointError

CPU = torch.device("cpu")


def draw(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("head_width", [2, 16, 24, 64])
def test_queries_are_turned_as_by_fair_esm(head_width, half):
    theirs = RotaryEmbedding(head_width)
    if half:
        theirs.half().float()
    frequencies = inverse_frequencies(head_width, half)
    torch.testing.assert_close(frequencies, theirs.inv_freq, rtol=0, atol=0)
    features = draw(2, 3, 72, head_width)
    expected, _ = theirs(features.flatten(0, 1), features.flatten(0, 1))
    found = rotate(features, *rotary_tables(72, frequencies, CPU, torch.float32))
    torch.testing.assert_close(found, expected.view_as(found), rtol=1e-6, atol=1e-6)


def test_pairs_of_features_turn_in_the_complex_plane():
    features = draw(1, 1, 5, 8, dtype=torch.float64)
    frequencies = inverse_frequencies(8)
    found = rotate(features, *rotary_tables(5, frequencies, CPU, torch.float64))
    for position in range(5):
        pair = torch.complex(features[0, 0, position, :4], features[0, 0, position, 4:])
        turned = pair * torch.exp(1j * position * frequencies.double())
        expected = torch.cat([turned.real, turned.imag])
        torch.testing.assert_close(found[0, 0, position], expected)


def test_products_depend_on_the_distance_alone():
    query, key = draw(2, 16, dtype=torch.float64)
    frequencies = inverse_frequencies(16)
    tables = rotary_tables(40, frequencies, CPU, torch.float64)
    turned = [rotate(x.expand(1, 1, 40, 16), *tables)[0, 0] for x in (query, key)]
    products = turned[0] @ turned[1].T
    for distance in (-7, 0, 12):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert (products[0, 0] - products[0, 12]).abs() > 0.1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_angles_of_far_positions_are_not_rounded(dtype):
    """Half precision holds neither the position 1001 times 1 nor its cosine from there."""
    cosines, sines = rotary_tables(1002, inverse_frequencies(16), CPU, dtype)
    assert cosines.dtype == sines.dtype == dtype
    angle = torch.tensor(1001.0, dtype=torch.float64)
    assert cosines[1001, 0] == angle.cos().to(dtype)
    assert sines[1001, 0] == (-angle.sin()).to(dtype)
    assert sines[1001, 8] == angle.sin().to(dtype)


def test_rounding_of_frequencies_is_recognised():
    theirs = RotaryEmbedding(32).inv_freq
    assert is_half(theirs) is False
    assert is_half(theirs.half()) is True
    assert is_half(theirs.half().float()) is True


@pytest.mark.parametrize(
    "frequencies",
    [
        RotaryEmbedding(32).inv_freq.bfloat16(),
        RotaryEmbedding(32).inv_freq[1:],
        RotaryEmbedding(32).inv_freq[None],
        torch.zeros(0),
        torch.ones(()),
        torch.ones(2**15 + 1),
        torch.full((16,), torch.nan),
    ],
    ids=["bfloat16", "cut", "table", "none", "number", "endless", "nan"],
)
def test_frequencies_of_another_kind_are_none_of_esm2(frequencies):
    assert is_half(frequencies) is None


def test_frequencies_tell_the_width_of_a_head():
    assert AttentionShape.of(RotaryEmbedding(24).inv_freq) == (24, False)
    assert AttentionShape.of(RotaryEmbedding(24).inv_freq.half()) == (24, True)
    assert AttentionShape.of(torch.ones(7)) == (14, None)
    assert AttentionShape.of(None) == (None, None)


def test_frequencies_that_are_no_plain_numbers_are_refused():
    message = "weights: rotary frequencies: expected a dense float tensor, found int64"
    with pytest.raises(CheckpointError, match=message):
        AttentionShape.of(torch.arange(8))
