"""Layers with tensors of a PEFT method, as its settings would select them."""

import pytest

from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import CheckpointError
from peftsp.interop.layers import count_last_layers, is_lora, lora_extent
from peftsp.peft.lora import LoRA

SPEC = BackboneSpec("tiny", layers=3, width=32, heads=4)
ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


def names_of(targets, last_k):
    return sorted(LoRA(4, 8, 0.1, targets, last_k).parameter_names(SPEC))


@pytest.mark.parametrize("last_k", [1, 2, 3])
@pytest.mark.parametrize("targets", [("q_proj",), ("fc1", "fc2"), (*ATTENTION, "fc1", "fc2")])
def test_settings_are_found_from_the_names_that_they_make(targets, last_k):
    names = names_of(targets, last_k)
    assert all(map(is_lora, names))
    assert lora_extent(reversed(names), SPEC, "x.pt") == (targets, last_k)


def test_other_parameters_are_passed_over():
    others = ["layers.0.fc1.weight", "layers.0.final_layer_norm.bias", "embed_tokens.weight"]
    assert not any(map(is_lora, others))
    assert lora_extent([*others, *names_of(("fc2",), 1)], SPEC, "x.pt") == (("fc2",), 1)


@pytest.mark.parametrize(
    "name",
    [
        "layers.1.q_proj.lora_A",
        "layers.1.self_attn.fc1.lora_A",
        "layers.1.self_attn.q_proj.lora_C",
        "layers.1.self_attn.q_proj.lora_A.weight",
        "backbone.layers.1.self_attn.q_proj.lora_A",
        "layers.x.self_attn.q_proj.lora_A",
    ],
)
def test_name_beside_the_pattern_is_no_lora(name):
    assert not is_lora(name)


def without(part, names):
    return [name for name in names if part not in name]


WRONG = {
    "none": ([], "x.pt: expected LoRA in some layer, found none"),
    "first layers": (
        without("layers.2.", names_of(ATTENTION, None)),
        "x.pt: expected LoRA in the last layers of 3, counted from 0, found LoRA in 0, 1",
    ),
    "gap": (
        without("layers.1.", names_of(ATTENTION, None)),
        "x.pt: expected LoRA in the last layers of 3, counted from 0, found LoRA in 0, 2",
    ),
    "less in a layer": (
        without("layers.1.self_attn.k_proj", names_of(ATTENTION, 2)),
        "x.pt: expected LoRA on q_proj, k_proj, v_proj, out_proj in layer 1 as in layer 2, found "
        "it on q_proj, v_proj, out_proj",
    ),
    "more in a layer": (
        [*names_of(("fc1",), 2), "layers.1.self_attn.q_proj.lora_A"],
        "x.pt: expected LoRA on fc1 in layer 1 as in layer 2, found it on q_proj, fc1",
    ),
    "beyond the last": (
        ["layers.3.fc1.lora_A"],
        "x.pt: expected LoRA in the last layers of 3, counted from 0, found LoRA in 3",
    ),
}


@pytest.mark.parametrize(("names", "message"), WRONG.values(), ids=WRONG)
def test_lora_that_no_setting_selects_is_refused(names, message):
    with pytest.raises(CheckpointError) as raised:
        lora_extent(names, SPEC, "x.pt")
    assert str(raised.value) == message


def test_last_layers_are_counted_in_any_order_and_once():
    assert count_last_layers([2, 1, 2], SPEC, "adapters", "x.pt") == 2
    assert count_last_layers(range(3), SPEC, "adapters", "x.pt") == 3
    with pytest.raises(CheckpointError, match=r"found adapters in 0, 2$"):
        count_last_layers([2, 0, 0], SPEC, "adapters", "x.pt")
