"""Settings that the tensors of a reference checkpoint tell."""

from dataclasses import replace

import pytest
import torch

from peftsp.backbone.checkpoint import empty_backbone
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.crf.constraints import constraint_table
from peftsp.errors import CheckpointError, ConfigError
from peftsp.interop.reference_names import sort_tensors
from peftsp.interop.reference_settings import infer_backbone, infer_method, infer_table
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt

SPEC = BackboneSpec("own", 3, 32, 4)
PLACE = "model.pt"


@pytest.fixture
def tensors(reference_model):
    """A checkpoint without a method, sorted; its groups may be changed."""
    return sort_tensors(reference_model.state_dict(), PLACE)


@pytest.mark.parametrize("half", [False, True])
def test_backbone_is_that_of_the_weights(tensors, half):
    for name, frequencies in tensors.frequencies.items():
        tensors.frequencies[name] = frequencies.half().float() if half else frequencies
    assert infer_backbone(tensors, "own", PLACE) == replace(SPEC, half_rotary=half)


METHODS = {
    "none": Frozen(),
    "lora": LoRA(4, 16.0, 0.1, ("k_proj", "fc1"), 2),
    "lora everywhere": LoRA(2, 16.0, 0.1, ("q_proj", "k_proj", "v_proj", "out_proj"), 3),
    "adapter": Adapter(2, 6, identity=False),
    "all prompts": Prompt("all", 5, None, None),
    "first prompt": Prompt("first", 5, None, None),
    "last prompt": Prompt("last", 7, None, None),
    "topmost prompts": Prompt("topmost", 5, 2, 6),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_method_is_that_of_its_parameters(method):
    backbone = method.apply(empty_backbone(BackboneSource(SPEC)))
    state = dict(backbone.named_parameters())
    found = infer_method(state, SPEC, 16.0, PLACE)
    assert type(found) is type(method)
    assert found.settings() == method.settings()


@pytest.mark.parametrize("name", ["peftsp", "published", "none"])
def test_table_is_that_of_the_masks(name):
    masks = {field: mask.float() for field, mask in constraint_table(name)._asdict().items()}
    assert infer_table(masks, PLACE) == name


def prompts(*layers):
    return {f"prompts.{layer}": torch.zeros(5, 32) for layer in layers}


WRONG_METHODS = {
    "prompt gap": (
        prompts(0, 2),
        "expected prompts in the last layers of 3, counted from 0, found prompts in 0, 2",
    ),
    "half an adapter": (
        {"layers.2.after_feed_forward.down.bias": torch.zeros(16)},
        "expected a matrix model_seq.esm2.layers.2.adapter_layer.0.module.0.weight, found none",
    ),
    "flat lora": (
        {"layers.2.fc1.lora_A": torch.zeros(4), "layers.2.fc1.lora_B": torch.zeros(128, 4)},
        "expected a matrix model_seq.esm2.layers.2.fc1.lora_A.default.weight, found the shape (4,)",
    ),
    "two methods": (
        {**prompts(0), "layers.2.self_attn.q_proj.lora_A": torch.zeros(4, 32)},
        "expected tensors of one PEFT method, found LoRA and prompts",
    ),
    "three methods": (
        {
            **prompts(0),
            "layers.2.fc1.lora_A": torch.zeros(4, 32),
            "layers.2.after_attention.down.weight": torch.zeros(4, 32),
        },
        "expected tensors of one PEFT method, found LoRA and adapters and prompts",
    ),
}


@pytest.mark.parametrize(("state", "message"), WRONG_METHODS.values(), ids=WRONG_METHODS)
def test_method_that_we_do_not_have_is_named(state, message):
    with pytest.raises(CheckpointError) as raised:
        infer_method(state, SPEC, 8.0, PLACE)
    assert str(raised.value) == f"{PLACE}: {message}"


def test_scale_that_no_tensor_tells_has_to_be_positive():
    state = {"layers.2.fc1.lora_A": torch.zeros(4, 32), "layers.2.fc1.lora_B": torch.zeros(128, 4)}
    with pytest.raises(ConfigError, match=r"peft\.alpha: expected a number above 0, found 0"):
        infer_method(state, SPEC, 0, PLACE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embed_tokens.weight": None}, "expected a matrix .*embed_tokens.weight, found none"),
        (
            {"embed_tokens.weight": torch.zeros(33)},
            r"expected a matrix .*embed_tokens.weight, found the shape \(33,\)",
        ),
        ({"embed_tokens.weight": torch.zeros(33, 30)}, "heads of 8 features divide, found 30"),
        ({"layers.1": None}, "expected every layer of a backbone, found none of layer 1"),
        ({"layers.0": None}, "expected every layer of a backbone, found none of layer 0"),
        ({"layers": None}, "expected every layer of a backbone, found none of layer 0"),
    ],
)
def test_backbone_without_what_tells_its_size_is_named(tensors, changes, message):
    for name, tensor in changes.items():
        for found in [n for n in tensors.backbone if n.startswith(f"{name}.") or n == name]:
            del tensors.backbone[found]
        if tensor is not None:
            tensors.backbone[name] = tensor
    with pytest.raises(CheckpointError, match=f"^{PLACE}: .*{message}"):
        infer_backbone(tensors, "own", PLACE)


FREQUENCIES = "backbone.layers.{}.self_attn.rot_emb.inv_freq"


@pytest.mark.parametrize(
    ("layer", "change", "message"),
    [
        (2, lambda f: f * 2, r"layers\.2\.self_attn\.rot_emb\.inv_freq: expected the rotary freq"),
        (1, lambda f: f[:0], r"layers\.1\.self_attn\.rot_emb\.inv_freq: expected the rotary freq"),
        (0, lambda f: 1 / 10_000 ** (torch.arange(2) / 2), "attention head, found several sizes"),
        (0, lambda f: f.half().float(), "attention head, found several sizes"),
    ],
)
def test_frequencies_that_tell_no_size_are_named(tensors, layer, change, message):
    name = FREQUENCIES.format(layer)
    tensors.frequencies[name] = change(tensors.frequencies[name])
    with pytest.raises(CheckpointError, match=f"^{PLACE}: .*{message}"):
        infer_backbone(tensors, "own", PLACE)


def test_checkpoint_without_frequencies_is_refused(tensors):
    tensors.frequencies.clear()
    with pytest.raises(CheckpointError, match=r"expected tensors rot_emb\.inv_freq, .* found none"):
        infer_backbone(tensors, "own", PLACE)


@pytest.mark.parametrize("change", [torch.zeros_like, None])
def test_table_that_we_do_not_have_is_refused(tensors, change):
    mask = tensors.masks.pop("ends")
    if change:
        tensors.masks["ends"] = change(mask)
    message = r"expected crf\._constraint_mask, .* to allow what is published or everything, found"
    with pytest.raises(CheckpointError, match=f"^{PLACE}: {message} something else"):
        infer_table(tensors.masks, PLACE)
