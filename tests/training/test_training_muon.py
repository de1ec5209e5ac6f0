"""Muon beside AdamW: which parameters go where, and stopping and going on."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from peftsp.errors import ConfigError
from peftsp.training.muon import MuonAdamW

SETTINGS = {
    **{"lr": 0.01, "matrix_lr": 0.02, "weight_decay": 0.1, "momentum": 0.9},
    **{"betas": (0.9, 0.999), "smallest_side": 64},
}


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 96), nn.Linear(96, 8))


def step(model, optimizer, number):
    torch.manual_seed(number)
    optimizer.zero_grad()
    model(torch.randn(4, 64)).square().mean().backward()
    optimizer.step()


def copied(model):
    return [p.detach().clone() for p in model.parameters()]


def test_momentum_that_grows_is_refused():
    with pytest.raises(
        ConfigError, match=r"optimizer\.momentum: expected 0 to less than 1, found 2"
    ):
        MuonAdamW(make_model().parameters(), **{**SETTINGS, "momentum": 2})


def test_parts_move_as_the_optimizers_of_pytorch_do():
    ours, theirs = make_model(), make_model()
    optimizer = MuonAdamW(ours.parameters(), **SETTINGS)
    matrix, *others = theirs.parameters()
    muon = torch.optim.Muon([matrix], lr=0.02, weight_decay=0.1, momentum=0.9)
    adamw = torch.optim.AdamW(others, lr=0.01, weight_decay=0.1)
    for number in range(3):
        step(ours, optimizer, number)
        muon.zero_grad()
        step(theirs, adamw, number)
        muon.step()
    for mine, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, expected)


def test_state_goes_on_where_it_was_stopped():
    model = make_model()
    optimizer = MuonAdamW(model.parameters(), **SETTINGS)
    step(model, optimizer, 0)
    weights, state = copied(model), deepcopy(optimizer.state_dict())
    step(model, optimizer, 1)
    expected = copied(model)

    again = make_model()
    resumed = MuonAdamW(again.parameters(), **SETTINGS)
    with torch.no_grad():
        for parameter, value in zip(again.parameters(), weights, strict=True):
            parameter.copy_(value)
    resumed.load_state_dict(state)
    step(again, resumed, 1)
    assert all(torch.equal(a, b) for a, b in zip(copied(again), expected, strict=True))


def test_schedule_reaches_every_group():
    model = make_model()
    groups = [{"params": list(layer.parameters())} for layer in model]
    optimizer = MuonAdamW(groups, **SETTINGS)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = copied(model)
    step(model, optimizer, 0)
    schedule.step()
    assert all(torch.equal(a, b) for a, b in zip(copied(model), before, strict=True))


@pytest.mark.parametrize("layer", [0, 1])
def test_either_part_may_be_empty(layer):
    model = make_model()
    chosen = model[layer]
    parameters = [chosen.weight] if layer == 0 else list(chosen.parameters())
    before = copied(model)
    step(model, MuonAdamW(parameters, **SETTINGS), 0)
    moved = [not torch.equal(a, b) for a, b in zip(copied(model), before, strict=True)]
    assert moved == [layer == 0, False, layer == 1, layer == 1]
