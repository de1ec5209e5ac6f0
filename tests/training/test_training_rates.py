"""Parts of a model learn at rates of their own."""

from functools import partial

import pytest
from torch.optim import SGD

from peftsp.peft.lora import LoRA
from peftsp.training.rates import rated_optimizer


def test_learning_rate_of_b_is_a_multiple_of_that_of_a(make_module):
    tagger = make_module(LoRA(4, 4, 0.1, ("q_proj",), None, lr_ratio=16.0)).tagger
    optimizer = rated_optimizer(tagger, partial(SGD, lr=0.01), head_factor=2.0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    names = {name: rates[id(p)] for name, p in tagger.named_parameters() if p.requires_grad}
    for name, rate in names.items():
        factor = 2 if not name.startswith("backbone.") else 16 if "lora_B" in name else 1
        assert rate == pytest.approx(0.01 * factor)


def test_one_rate_for_all_is_one_group(make_module):
    tagger = make_module().tagger
    [group] = rated_optimizer(tagger, partial(SGD, lr=0.01), head_factor=1.0).param_groups
    assert len(group["params"]) == sum(p.requires_grad for p in tagger.parameters())
