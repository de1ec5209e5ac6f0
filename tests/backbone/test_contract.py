"""What a backbone is before any PEFT method changes it."""

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.contract import Backbone
from peftsp.backbone.specs import BackboneSource, BackboneSpec

SPEC = BackboneSpec("contract", layers=2, width=16, heads=2)


class Constant(Backbone):
    def forward(self, tokens, mask):
        return torch.zeros(*(tokens[:, 2:].shape), self.spec.width)


def test_backbone_that_computes_nothing_cannot_be_made():
    class Nothing(Backbone):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing(BackboneSource(SPEC))


def test_architecture_is_that_of_the_source():
    source = BackboneSource(SPEC, "random", seed=3)
    backbone = Constant(source)
    assert backbone.source is source
    assert backbone.spec is SPEC
    backbone.source = BackboneSource(other := BackboneSpec("other", 1, 8, 2))
    assert backbone.spec is other


def test_arbitrary_weights_have_no_hash_and_weights_that_were_filled_in_have_one():
    assert Constant(BackboneSource(SPEC)).content_hash == ""
    first, again = (load_backbone(SPEC, "random", seed=1) for _ in range(2))
    assert len(first.content_hash) == 64
    assert first.content_hash == again.content_hash


def test_residues_are_told_without_special_tokens():
    backbone = load_backbone(SPEC, "random")
    tokens = torch.tensor([[0, 20, 5, 4, 2], [0, 20, 2, 1, 1]])
    found = backbone(tokens, tokens != 1)
    assert found.shape == (2, 3, 16)
    # After the final layer norm, whose scale is one and whose shift is zero at random weights.
    residues = found[tokens[:, 2:] != 1]
    torch.testing.assert_close(residues.mean(dim=-1), torch.zeros(4), rtol=0, atol=1e-5)
    deviations = residues.std(dim=-1, unbiased=False)
    torch.testing.assert_close(deviations, torch.ones(4), rtol=0, atol=1e-3)
