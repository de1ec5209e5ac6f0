"""The table of docs/big_backbones.md is what the calculator computes."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from peftsp.memory.estimate import estimate_memory
from peftsp.memory.table import CARDS, fits
from peftsp.training.cli import CONF

PAGE = Path(__file__).resolve().parents[2] / "docs/big_backbones.md"
ROW = re.compile(r"^\| `(experiment=[^`]+)` \| ([\d.]+) \| (\d+) GB \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text())


def test_table_is_found():
    assert len(ROWS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "size", "card"), ROWS, ids=[row[0] for row in ROWS])
def test_memory_and_card_are_the_calculators(settings, size, card):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", settings.split())
    estimate = estimate_memory(cfg)
    is_sharded = "trainer=fsdp" in settings
    total = estimate.total_sharded(cfg.trainer.devices) if is_sharded else estimate.total
    assert float(size) == pytest.approx(total / 1e9, abs=0.05)
    assert int(card) == next(size for size in CARDS if fits(total, size))
