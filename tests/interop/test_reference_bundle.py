"""State dicts with the reference's layout: what is made of them and what is refused."""

import pytest
import torch

from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.errors import CheckpointError, ConfigError
from peftsp.interop.reference_bundle import convert, own_backbone

LORA = "base_model.model.model_seq.esm2.layers.{}.self_attn.{}.lora_{}.default.weight"


@pytest.mark.parametrize(
    ("everything", "table"), [(True, "none"), (False, "published")], ids=["none", "published"]
)
def test_constraint_table_is_recognised(reference_model, everything, table):
    state = reference_model.state_dict()
    for key in state:
        if "_mask" in key and everything:
            state[key] = torch.ones_like(state[key])
    bundle = convert(state, *own_backbone(state))
    assert bundle.crf.table == table
    assert bundle.peft == {"method": "frozen"}
    assert bundle.head.trainable


def without(*keys):
    return lambda state: [state.pop(key) for key in keys]


def with_tensors(**shapes):
    def change(state):
        for key, shape in shapes.items():
            state[key.replace("__", ".")] = torch.zeros(shape)

    return change


def changed(key, change):
    def apply(state):
        state[key] = change(state[key])

    return apply


ESM = "model_seq.esm2."


BROKEN = {
    "kingdom embedding": (
        with_tensors(kingdom_embedding__weight=(4, 32)),
        r"no kingdom embedding, found an unknown one: kingdom_embedding\.weight",
    ),
    "unknown layer part": (
        with_tensors(model_seq__esm2__layers__0__extra=(3,)),
        r"found an unknown one: model_seq\.esm2\.layers\.0\.extra",
    ),
    "no transitions": (without("crf.transitions"), r"found one missing: crf\.transitions"),
    "no bias": (
        without(f"{ESM}layers.1.fc1.bias"),
        r"found one missing: model_seq\.esm2\.layers\.1\.fc1\.bias",
    ),
    "23 states": (
        changed("outputs_to_emissions.weight", lambda weight: weight[:23]),
        r"outputs_to_emissions\.weight: expected shape \(37, 32\), found \(23, 32\)",
    ),
    "prompt of two lengths": (
        with_tensors(
            model_prompt__prompt_weight_layers__1=(5, 32),
            model_prompt__prompt_weight_layers__2=(6, 32),
        ),
        r"prompt_weight_layers\.2: expected shape \(5, 32\), found \(6, 32\)",
    ),
}


@pytest.mark.parametrize(("breakage", "message"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_fit_is_named(reference_model, breakage, message):
    state = dict(reference_model.state_dict())
    breakage(state)
    with pytest.raises(CheckpointError, match=message) as caught:
        convert(state, *own_backbone(state, "model.pt"), place="model.pt")
    assert str(caught.value).startswith("model.pt: ")


def test_lora_that_no_setting_selects_is_refused(lora_model):
    def convert_without(*keys):
        state = {key: t for key, t in lora_model.state_dict().items() if key not in keys}
        convert(state, *own_backbone(state))

    with pytest.raises(CheckpointError, match=r"missing: .*layers\.1\.self_attn\.k_proj\.lora_B"):
        convert_without(LORA.format(1, "k_proj", "B"))
    state = lora_model.state_dict()
    with pytest.raises(ConfigError, match=r"peft\.alpha: expected a number above 0, found 0"):
        convert(state, *own_backbone(state), lora_alpha=0)


def test_backbone_of_another_size_is_refused(reference_model):
    state = reference_model.state_dict()
    other = BackboneSource(BackboneSpec("other", 4, 32, 4), "random")
    with pytest.raises(CheckpointError, match=r"backbone other, 4 layers .* found 3 layers of"):
        convert(state, other, {})
