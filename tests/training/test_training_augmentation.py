"""Residues hidden from the backbone in training."""

import pytest
import torch

from peftsp.errors import ConfigError
from peftsp.training.augmentation import hide_residues

CLS, PAD, EOS, MASK = 0, 1, 2, 32


def test_share_of_residues_is_hidden_and_nothing_else():
    torch.manual_seed(0)
    tokens = torch.randint(4, 24, (400, 72))
    lengths = torch.randint(10, 71, (400,))
    columns = torch.arange(72)
    tokens[:, 0] = CLS
    tokens[torch.arange(400), lengths + 1] = EOS
    mask = columns < lengths[:, None] + 2
    tokens[~mask] = PAD
    hidden = hide_residues(tokens, mask, 0.2)
    is_residue = (columns > 0) & (columns < lengths[:, None] + 1)
    is_hidden = hidden == MASK
    assert not (is_hidden & ~is_residue).any()
    assert torch.equal(hidden[~is_hidden], tokens[~is_hidden])
    assert is_hidden.sum() / is_residue.sum() == pytest.approx(0.2, abs=0.01)


def test_loss_sees_hidden_residues_in_training_alone(make_module, batch, monkeypatch):
    module = make_module(hidden_residues=0.5)
    seen = []
    forward = module.tagger.forward
    monkeypatch.setattr(
        module.tagger,
        "forward",
        lambda tokens, mask, kingdoms: seen.append(tokens) or forward(tokens, mask, kingdoms),
    )
    module.train().loss(batch)
    module.eval().loss(batch)
    assert (seen[0] == MASK).any()
    assert torch.equal(seen[1], batch.tokens)


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_probability_out_of_range_is_refused(make_module, probability):
    with pytest.raises(ConfigError, match=rf"augmentation\.hidden_residues: .* {probability}"):
        make_module(hidden_residues=probability)
