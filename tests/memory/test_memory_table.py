"""An estimate as text, and the cards it is for."""

import pytest

from peftsp.memory.estimate import estimate_memory
from peftsp.memory.table import CARDS, fits, format_estimate

AVERAGING = "+callbacks.averaging={_target_: peftsp.training.averaging.AveragedWeights, decay: 0.9}"


@pytest.mark.parametrize("overrides", [[], [AVERAGING]], ids=["plain", "averaged"])
def test_total_is_the_sum_of_the_rows(settings, overrides):
    text = format_estimate(estimate_memory(settings(*overrides)), 2)
    assert ("moving averages" in text) == bool(overrides)
    rows = text.partition("\n\n")[0].splitlines()
    sizes = [float(row.split()[-2]) for row in rows]
    assert rows[-1].startswith("total")
    assert sizes[-1] == pytest.approx(sum(sizes[:-1]), abs=0.001 * len(rows))


def test_a_card_keeps_a_reserve():
    assert [card for card in CARDS if fits(15 * 10**9, card)] == [24, 40, 80]
