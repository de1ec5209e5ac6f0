"""What the published reference got wrong in ways that no single module's tests look for."""

import copy

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str
)
@pytest.mark.parametrize("constraint", ["hard", "soft"])
def test_target_that_allows_everything_has_probability_one(constraint, dtype):
    """The published CRF failed in float64 and gave less than one in half precision."""
    crf = LinearChainCRF(constraint_table("peftsp"), constraint)
    if dtype == torch.float64:
        crf = crf.double()
    emissions = torch.randn(2, 20, 37, generator=torch.Generator().manual_seed(0)).to(dtype)
    mask = torch.arange(20) < torch.tensor([[20], [9]])
    likelihood = crf.log_likelihood(emissions, mask, mask[..., None].expand(-1, -1, 37))
    torch.testing.assert_close(likelihood, torch.zeros_like(likelihood), rtol=0, atol=1e-5)


def test_rotary_positions_follow_the_dtype_of_the_weights():
    """The published tables stayed in the precision of the first pass."""
    tokens = torch.tensor([[0, 20, 15, 4, 9, 11, 2]])
    mask = tokens >= 0
    fresh = load_backbone(SPEC, "random")
    used = copy.deepcopy(fresh)
    used(tokens, mask)
    found, expected = used.double()(tokens, mask), fresh.double()(tokens, mask)
    assert found.dtype == torch.float64
    assert torch.equal(found, expected)
    # Rounding to single precision on the way would leave differences near 1e-7.
    rounded = fresh.float()(tokens, mask).double()
    assert 0 < (found - rounded).abs().max() < 1e-4
