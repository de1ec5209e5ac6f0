"""Learning rates over a run."""

from itertools import pairwise

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from peftsp.errors import ConfigError
from peftsp.training.schedules import constant, cosine

RATE = 0.3


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)


def rates(make_schedule, steps):
    """The rate that each step uses, and the one after the last."""
    chosen = optimizer()
    schedule = make_schedule(chosen)
    found = [chosen.param_groups[0]["lr"]]
    for _ in range(steps):
        chosen.step()
        schedule.step()
        found.append(chosen.param_groups[0]["lr"])
    return found


def test_constant_without_warmup_is_constant():
    assert rates(lambda chosen: constant(chosen, 10, 0.0), 12) == [RATE] * 13


def test_constant_rises_linearly_and_stays():
    found = rates(lambda chosen: constant(chosen, 10, 0.4), 10)
    assert found == pytest.approx([RATE * x for x in (0.2, 0.4, 0.6, 0.8, *[1.0] * 7)])


@pytest.mark.parametrize("floor", [0.0, 0.01])
def test_cosine_equals_that_of_pytorch(floor):
    found = rates(lambda chosen: cosine(chosen, 20, 0.0, floor), 20)
    expected = rates(lambda chosen: CosineAnnealingLR(chosen, 20, eta_min=floor * RATE), 20)
    assert found == pytest.approx(expected, abs=1e-9)


def test_cosine_rises_falls_and_stays_at_its_floor():
    found = rates(lambda chosen: cosine(chosen, 20, 0.25, 0.1), 30)
    assert found[:6] == pytest.approx([RATE * (step + 1) / 6 for step in range(6)])
    assert all(a > b for a, b in pairwise(found[5:21]))
    assert found[20:] == pytest.approx([0.1 * RATE] * 11)


@pytest.mark.parametrize("warmup", [-0.1, 1.5])
def test_warmup_that_is_no_share_is_refused(warmup):
    with pytest.raises(ConfigError, match=rf"scheduler.warmup: .* found {warmup}"):
        constant(optimizer(), 10, warmup)


@pytest.mark.parametrize("floor", [-1, 2])
def test_floor_that_is_no_share_is_refused(floor):
    with pytest.raises(ConfigError, match=rf"scheduler.floor: .* found {floor}"):
        cosine(optimizer(), 10, 0.0, floor)


def test_run_without_steps_is_no_error():
    assert rates(lambda chosen: cosine(chosen, 0, 0.5, 0.1), 1)[0] > 0


@pytest.mark.parametrize(("accumulated", "steps"), [(1, 12), (2, 6), (3, 6)])
def test_schedule_spans_the_optimizer_steps_of_the_run(
    run, read_curve, tmp_path, accumulated, steps
):
    folder = run(
        tmp_path,
        "scheduler=cosine",
        "scheduler.warmup=0",
        "scheduler.floor=0.1",
        "optimizer.lr=0.01",
        f"trainer.accumulate_grad_batches={accumulated}",
    )
    found = read_curve(folder, "learning rate")
    expected = rates(lambda chosen: cosine(chosen, steps, 0.0, 0.1), steps)
    # A step's rate is logged with every batch that is added to it.
    assert sorted(set(found.values())) == pytest.approx(
        sorted(rate / RATE * 0.01 for rate in expected[:steps])
    )
