"""Random numbers of a training step."""

from types import SimpleNamespace

import torch

from peftsp.training.randomness import StepSeed


def draw(seed=1, rank=0, epoch=0, batch=0, history=0):
    torch.manual_seed(history)
    place = SimpleNamespace(global_rank=rank, current_epoch=epoch)
    StepSeed(seed).on_train_batch_start(place, None, None, batch)
    return torch.rand(4)


def test_draws_depend_on_the_place_alone():
    assert torch.equal(draw(1, 2, 3, 4, history=0), draw(1, 2, 3, 4, history=9))


def test_every_coordinate_of_the_place_counts():
    places = [(1, 0, 0, 0), (2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (0, 1, 0, 0)]
    draws = {tuple(draw(*place).tolist()) for place in places}
    assert len(draws) == len(places)
