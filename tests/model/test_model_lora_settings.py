"""Which configurations of Hugging Face PEFT are LoRA as ours can be, and which are not."""

import json
from pathlib import Path

import peft
import pytest

from peftsp.errors import CheckpointError, ConfigError
from peftsp.model.lora_settings import lora_of
from peftsp.peft.lora import LoRA

PATH = Path("adapter_config.json")


@pytest.fixture
def written(tmp_path):
    """Function of options that gives the configuration that PEFT writes for them."""

    def write(**options):
        config = peft.LoraConfig(
            **{"r": 4, "lora_alpha": 6, "target_modules": ["query"], **options}
        )
        config.save_pretrained(tmp_path)
        return json.loads((tmp_path / "adapter_config.json").read_text())

    return write


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"lora_dropout": 0.25}, {"dropout": 0.25}),
        ({"use_rslora": True}, {"rslora": True}),
        ({"init_lora_weights": "pissa"}, {"start": "pissa"}),
        ({"init_lora_weights": "gaussian"}, {}),
        ({"init_lora_weights": False}, {}),
        ({"task_type": "TOKEN_CLS", "modules_to_save": ["classifier"]}, {}),
        ({"layers_to_transform": [1], "layers_pattern": "layer"}, {}),
    ],
)
def test_what_peft_writes_is_the_same_method(written, options, changes):
    found = lora_of(written(**options), ["q_proj", "v_proj"], 2, PATH)
    settings = {"rank": 4, "alpha": 6, "dropout": 0.0, "target_modules": ("q_proj", "v_proj")}
    assert found == LoRA(**settings | {"last_k": 2} | changes)


def test_what_an_older_file_leaves_out_is_as_usual():
    config = {"r": 2, "lora_alpha": 0.5, "lora_dropout": 0, "target_modules": ["query"]}
    before = dict(config)
    assert lora_of(config, ["q_proj"], 1, PATH) == LoRA(2, 0.5, 0, ("q_proj",), 1)
    assert config == before


@pytest.mark.parametrize(
    "options",
    [
        {"use_dora": True},
        {"fan_in_fan_out": True},
        {"lora_bias": True},
        {"alpha_pattern": {"query": 8}},
        {"layer_replication": [[0, 2], [1, 3]]},
        {"trainable_token_indices": [5]},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_that_ours_has_not_are_refused(written, options):
    [name] = options
    with pytest.raises(CheckpointError) as caught:
        lora_of(written(**options), ["q_proj"], 1, PATH)
    message = f"adapter_config.json: {name}: expected plain LoRA without it, found "
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"use_rslora": "x"}, "use_rslora: expected bool, found 'x'"),
        ({"rank_pattern": {"query": 8}}, "rank_pattern: expected plain LoRA without it"),
        ({"bias": "all"}, "bias: expected 'none', found 'all'"),
        ({"init_lora_weights": "olora"}, "init_lora_weights: expected True, found 'olora'"),
        ({"r": 4.5}, r"r: expected int, found 4\.5"),
        ({"r": True}, r"r: expected int, found True"),
        ({"r": 65537}, r"r: expected at most 65536, found 65537"),
        ({"lora_alpha": None}, "lora_alpha: expected float, found None"),
        ({"lora_dropout": "0.1"}, r"lora_dropout: expected float, found '0\.1'"),
        ({"peft_type": "IA3"}, "peft_type: expected 'LORA', found 'IA3'"),
    ],
)
def test_settings_that_are_no_plain_lora_are_refused(written, settings, message):
    with pytest.raises(CheckpointError, match=rf"^adapter_config\.json: {message}"):
        lora_of(written() | settings, ["q_proj"], 1, PATH)


def test_numbers_out_of_range_are_refused(written):
    with pytest.raises(ConfigError, match=r"peft\.rank: expected a number above 0, found -1"):
        lora_of(written() | {"r": -1}, ["q_proj"], 1, PATH)
