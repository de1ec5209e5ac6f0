import pytest
import torch

from peftsp.data.sampling import EpochSampler, cell_weights
from peftsp.errors import ConfigError

KINGDOMS = torch.tensor([0] * 12 + [1] * 4 + [3] * 2)
TYPES = torch.tensor([0] * 8 + [1] * 4 + [0] * 4 + [2] * 2)


def test_balance_goes_from_counts_to_equal_shares():
    cells = [slice(0, 8), slice(8, 12), slice(12, 16), slice(16, 18)]
    for balance, shares in (
        (0.0, [8, 4, 4, 2]),
        (0.5, [8**0.5, 2, 2, 2**0.5]),
        (1.0, [1, 1, 1, 1]),
    ):
        weights = cell_weights(KINGDOMS, TYPES, balance)[KINGDOMS, TYPES]
        assert [float(weights[c].sum()) for c in cells] == pytest.approx(shares)


def test_factors_multiply():
    weights = cell_weights(
        KINGDOMS, TYPES, 0.0, {"LIPO": 3.0, "SP": 0.0}, kingdom_weights={"ARCHAEA": 2.0}
    )
    assert weights[KINGDOMS, TYPES].tolist() == [1.0] * 8 + [0.0] * 4 + [1.0] * 4 + [6.0] * 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"balance": -1.0}, "data.balance: expected a number of 0 or more, found -1.0"),
        (
            {"type_weights": {"TATL": 1.0}},
            "data.type_weights: expected names of NO_SP, SP, LIPO, TAT, TATLIPO, PILIN, "
            "found 'TATL'",
        ),
        (
            {"kingdom_weights": {"ARCHAEA": float("nan")}},
            "data.kingdom_weights.ARCHAEA: expected a number of 0 or more, found nan",
        ),
        (
            {"type_weights": {"NO_SP": 0.0, "SP": 0.0, "LIPO": 0.0}},
            "sampling weights: expected some above 0, found only 0",
        ),
    ],
)
def test_wrong_weights_are_named(settings, message):
    with pytest.raises(ConfigError) as caught:
        cell_weights(KINGDOMS, TYPES, **{"balance": 0.0, **settings})
    assert str(caught.value) == message


def epoch(sampler: EpochSampler, number: int) -> list[int]:
    sampler.set_epoch(number)
    return list(sampler)


def test_shows_every_example_once_an_epoch_in_changing_order():
    sampler = EpochSampler(50, seed=1)
    first, second = epoch(sampler, 0), epoch(sampler, 1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert len(sampler) == 50


@pytest.mark.parametrize("weights", [None, torch.arange(50.0)])
def test_seed_and_epoch_alone_decide_the_order(weights):
    torch.manual_seed(0)
    one = EpochSampler(50, seed=1, weights=weights)
    orders = [epoch(one, number) for number in range(3)]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    other = EpochSampler(50, seed=1, weights=weights)
    assert [epoch(other, number) for number in (2, 1, 0)] == orders[::-1]
    assert torch.equal(torch.get_rng_state(), state)
    assert epoch(EpochSampler(50, seed=2, weights=weights), 0) not in orders


def test_weights_decide_how_often_examples_come():
    weights = torch.tensor([0.0, 1.0, 3.0]).repeat(2000)
    drawn = torch.tensor(list(EpochSampler(6000, seed=0, weights=weights))) % 3
    shares = torch.bincount(drawn, minlength=3) / 6000
    assert shares.tolist() == pytest.approx([0.0, 0.25, 0.75], abs=0.03)


@pytest.mark.parametrize(("size", "replicas"), [(10, 2), (11, 4), (2, 5)])
def test_replicas_share_the_order_of_one_process(size, replicas):
    whole = epoch(EpochSampler(size, seed=3), 2)
    samplers = [EpochSampler(size, 3, None, replicas, rank) for rank in range(replicas)]
    shares = [epoch(sampler, 2) for sampler in samplers]
    assert {len(share) for share in shares} == {len(sampler) for sampler in samplers}
    assert len({len(share) for share in shares}) == 1
    together = [index for step in zip(*shares, strict=True) for index in step]
    assert together[:size] == whole
    assert together == [whole[i % size] for i in range(len(together))]


@pytest.mark.parametrize("skipped", [0, 1, 7, 25])
def test_skip_goes_on_where_an_epoch_stopped(skipped):
    sampler = EpochSampler(50, seed=3, replicas=2, rank=1)
    whole = epoch(sampler, 4)
    sampler.skip(skipped)
    assert len(sampler) == 25
    assert epoch(sampler, 4) == whole[skipped:]
    assert epoch(sampler, 4) == whole


@pytest.mark.parametrize("skipped", [-1, 51])
def test_skip_out_of_range_is_refused(skipped):
    with pytest.raises(ConfigError, match=f"^skip: expected 0 to 50 samples, found {skipped}$"):
        EpochSampler(50, seed=0).skip(skipped)
