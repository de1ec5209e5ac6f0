"""Full fine-tuning: its dropout."""

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.full import Full

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
TOKENS = torch.tensor([[0, 20, 15, 4, 2]])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_dropout_acts_in_training_alone(dropout):
    plain = load_backbone(SPEC, "random")(TOKENS, TOKENS != 1)
    backbone = Full(dropout).apply(load_backbone(SPEC, "random"))
    assert torch.equal(backbone.eval()(TOKENS, TOKENS != 1), plain)
    assert torch.equal(backbone.train()(TOKENS, TOKENS != 1), plain) == (dropout == 0)


def test_dropout_of_one_is_an_error():
    with pytest.raises(ConfigError, match=r"peft\.dropout: .* found 1"):
        Full(1.0)
