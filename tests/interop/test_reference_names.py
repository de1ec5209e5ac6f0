"""Names of the reference's tensors and ours, there and back."""

import pytest
import torch
from torch import nn

from peftsp.backbone.checkpoint import empty_backbone
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.errors import CheckpointError
from peftsp.interop.reference_names import model_name, reference_key, sort_tensors
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt

SPEC = BackboneSpec("small", 3, 32, 4)
ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


def our_names(method):
    """Parameters of our model of the same size."""
    backbone = empty_backbone(BackboneSource(SPEC))
    head, crf = HeadSettings(0.1, 0, 0.0, True), CRFSettings("soft", "published", "free")
    return {name for name, _ in build_tagger(backbone, method, head, crf).named_parameters()}


def named(tensors):
    """All weights of sorted tensors by our names."""
    return {f"backbone.{name}" for name in tensors.backbone} | tensors.rest.keys()


def test_every_weight_gets_the_name_of_our_parameter(reference_model):
    tensors = sort_tensors(reference_model.state_dict(), "x.pt")
    assert named(tensors) == our_names(Frozen())
    assert tensors.masks.keys() == {"transitions", "starts", "ends"}
    assert tensors.frequencies.keys() == {
        f"backbone.layers.{layer}.self_attn.rot_emb.inv_freq" for layer in range(3)
    }
    assert {key.split(".")[2] for key in tensors.unused} == {"lm_head", "contact_head"}


def test_names_stand_for_the_tensors_of_their_keys(reference_model):
    state = reference_model.state_dict()
    tensors = sort_tensors(state, "x.pt")
    assert tensors.rest["head.emissions.bias"] is state["outputs_to_emissions.bias"]
    assert tensors.masks["starts"] is state["crf._constraint_start_mask"]
    assert tensors.backbone["layers.1.fc2.bias"] is state["model_seq.esm2.layers.1.fc2.bias"]


@pytest.mark.parametrize("infix", [".base_layer.", "."], ids=["new", "peft 0.4"])
def test_both_layouts_of_lora_have_one_name(lora_model, infix):
    state = {k.replace(".base_layer.", infix): t for k, t in lora_model.state_dict().items()}
    added = {f"backbone.{name}" for name in LoRA(4, 8, 0.1, ATTENTION, 2).parameter_names(SPEC)}
    assert named(sort_tensors(state, "x.pt")) == our_names(Frozen()) | added


def test_wrappers_before_a_key_do_not_count(reference_model):
    state = nn.DataParallel(reference_model).state_dict()
    assert all(key.startswith("module.") for key in state)
    assert named(sort_tensors(state, "x.pt")) == our_names(Frozen())


METHODS = [
    Frozen(),
    LoRA(4, 8, 0.1, ("q_proj", "fc1"), None),
    Adapter(None, 4, identity=False),
    Prompt("all", 5, None, 4),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_names_go_there_and_back(method):
    names = our_names(method)
    keys = {reference_key(name) for name in names}
    assert len(keys) == len(names)
    assert {model_name(key) for key in keys} == names
    assert not any(key.startswith(("backbone.", "head.")) for key in keys)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("backbone.prompts.0", "expected tensors of a PEFT-SP model, found backbone.prompts.0"),
        ("head.emissions.bias", "expected tensors of a PEFT-SP model, found head.emissions.bias"),
        ("module.crf.transitions", "expected crf.transitions once, found it twice"),
        (
            "model_seq.esm2.layers.0.fc1.base_layer.bias",
            "expected model_seq.esm2.layers.0.fc1.bias once, found it twice",
        ),
    ],
)
def test_key_of_another_spelling_is_named(reference_model, key, message):
    state = {**reference_model.state_dict(), key: torch.zeros(1)}
    with pytest.raises(CheckpointError) as raised:
        sort_tensors(state, "x.pt")
    assert str(raised.value) == f"x.pt: {message}"
