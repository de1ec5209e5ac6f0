"""Experiments on backbones that are too large to be built here: gone through without weights."""

import pytest
from hydra.utils import instantiate
from lightning.pytorch.strategies import DDPStrategy

from peftsp.memory.estimate import estimate_memory
from peftsp.memory.table import fits
from peftsp.training.sharding import FullySharded

SMALLEST_CARD = {
    "lora_650m": 16,
    "lora_3b": 16,
    "qlora_3b": 16,
    "lora_15b": 80,
    "qlora_15b": 24,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST_CARD)
def test_experiment_fits_the_card_it_is_for(composed, name):
    estimate = estimate_memory(composed(f"experiment={name}"))
    cards = [card for card in (16, 24, 40, 80) if fits(estimate.total, card)]
    assert cards[0] == SMALLEST_CARD[name]
    assert ("nf4" in estimate.frozen) == name.startswith("q")


@pytest.mark.parametrize("name", SMALLEST_CARD)
def test_experiment_trains_in_half_precision_by_steps_of_the_published_size(resolved, name):
    config = resolved(f"experiment={name}")
    assert config["experiment_name"] == name
    assert config["backbone"]["spec"]["name"] == f"esm2_{name.partition('_')[2]}"
    assert config["backbone"]["dtype"] == "bfloat16"
    assert config["trainer"]["precision"] == "bf16-mixed"
    assert config["data"]["batch_size"] * config["trainer"]["accumulate_grad_batches"] == 20


@pytest.mark.parametrize("size", ["650m", "3b"])
def test_method_is_the_published_one(resolved, size):
    ours, published = resolved(f"experiment=lora_{size}"), resolved(f"experiment=paper_lora_{size}")
    for group in ("peft", "optimizer", "scheduler", "head", "crf", "data", "regularisation"):
        assert ours[group] == published[group], group


@pytest.mark.parametrize(("trainer", "kind"), [("ddp", DDPStrategy), ("fsdp", FullySharded)])
def test_several_gpus_are_one_setting_away(composed, trainer, kind):
    config = composed("experiment=lora_15b", f"trainer={trainer}", "trainer.devices=4")
    assert isinstance(instantiate(config.trainer.strategy), kind)
    assert (config.trainer.devices, config.trainer.precision) == (4, "bf16-mixed")
