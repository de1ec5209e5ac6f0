"""Methods that configurations of Hugging Face PEFT describe, and what is refused of those."""

import json
from pathlib import Path

import pytest
from peft import BeftConfig, IA3Config, LoHaConfig, LoraConfig

from peftsp.errors import CheckpointError
from peftsp.model.adapter_method import method_of
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import HuggingFace
from peftsp.peft.lora import LoRA

PLACE = Path("folder/adapter_config.json")
DENSE = "encoder.layer.3.output.dense"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LoraConfig(r=4, lora_alpha=6), LoRA(4, 6, 0.0, ("q_proj", "fc2"), 2)),
        (BeftConfig(), BitFit(("q_proj", "fc2"), 2)),
        (
            LoraConfig(r=4, use_dora=True),
            HuggingFace(
                "LORA",
                {"r": 4, "use_dora": True, "target_modules": ["q_proj", "fc2"]},
                last_k=2,
                identity=True,
            ),
        ),
        (
            IA3Config(target_modules=["query", DENSE], feedforward_modules=[DENSE]),
            HuggingFace(
                "IA3",
                {"target_modules": ["q_proj", "fc2"], "feedforward_modules": ["fc2"]},
                last_k=2,
                identity=True,
            ),
        ),
    ],
    ids=["LoRA", "BEFT", "DoRA", "IA3"],
)
def test_method_is_our_own_where_there_is_one(tmp_path, config, expected):
    config.save_pretrained(tmp_path)
    said = json.loads((tmp_path / "adapter_config.json").read_text())
    assert method_of(said, ["q_proj", "fc2"], 2, PLACE) == expected


@pytest.mark.parametrize("option", ["alpha_pattern", "rank_pattern"])
def test_parts_with_settings_of_their_own_are_refused(option):
    """They are named as in an ``EsmModel``, and would be left out without a word."""
    config = LoHaConfig(r=2, **{option: {"query": 8}})
    said = config.to_dict() | {"peft_type": "LOHA"}
    with pytest.raises(CheckpointError, match=rf"{option}: expected none, found {{'query': 8}}"):
        method_of(said, ["q_proj"], 1, PLACE)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "IA4"}, r"^folder/.*\.json: peft_type: expected one of .*, found 'IA4'"),
        ({}, r"peft_type: expected one of .*, found None"),
        ({"peft_type": ["LORA"]}, r"peft_type: expected one of .*, found \['LORA'\]"),
        (
            {"peft_type": "IA3", "feedforward_modules": "key"},
            r"feedforward_modules: expected a list, found 'key'",
        ),
    ],
)
def test_what_is_wrong_with_a_configuration_is_named(config, message):
    with pytest.raises(CheckpointError, match=message):
        method_of(config, ["k_proj"], 1, PLACE)
