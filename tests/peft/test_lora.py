"""LoRA beside Hugging Face PEFT's, and settings that do not fit."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import EsmConfig, EsmModel

from peftsp.backbone.checkpoint import build_backbone, load_backbone
from peftsp.backbone.hugging_face import read_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.lora import LoRA

SPEC = BackboneSpec("oracle", layers=3, width=32, heads=4)
THEIR_NAMES = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}


def their_model(folder):
    config = EsmConfig(
        vocab_size=33,
        hidden_size=SPEC.width,
        num_hidden_layers=SPEC.layers,
        num_attention_heads=SPEC.heads,
        intermediate_size=4 * SPEC.width,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        pad_token_id=1,
        mask_token_id=32,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    model = EsmModel(config, add_pooling_layer=False)
    model.save_pretrained(folder)
    return model


def test_values_and_gradients_equal_hugging_face_peft(tmp_path):
    theirs = their_model(tmp_path)
    weights, _ = read_esm_folder(tmp_path)
    method = LoRA(4, 12, 0.0, ("q_proj", "k_proj", "v_proj"), 2)
    ours = method.apply(build_backbone(BackboneSource(SPEC), weights, "x"))
    config = LoraConfig(
        r=4,
        lora_alpha=12,
        lora_dropout=0.0,
        target_modules=list(THEIR_NAMES),
        layers_to_transform=[1, 2],
        layers_pattern="layer",
    )
    theirs = get_peft_model(theirs, config)
    pairs = {}
    for layer in (1, 2):
        for their_name, our_name in THEIR_NAMES.items():
            module = theirs.base_model.model.encoder.layer[layer].attention.self
            adapter = getattr(module, their_name)
            place = f"layers.{layer}.self_attn.{our_name}"
            pairs[f"{place}.lora_A"] = adapter.lora_A.default.weight
            pairs[f"{place}.lora_B"] = adapter.lora_B.default.weight
    assert set(pairs) == method.parameter_names(SPEC)
    for name, parameter in pairs.items():
        torch.nn.init.normal_(parameter, std=0.2)
        ours.get_parameter(name).data = parameter.detach().clone()
    tokens = torch.tensor([[0, 20, 15, 4, 5, 9, 2], [0, 20, 10, 8, 2, 1, 1]])
    mask = tokens != 1
    real = mask[:, 2:]
    expected = theirs(input_ids=tokens, attention_mask=mask.long()).last_hidden_state[:, 1:-1]
    found = ours(tokens, mask)
    torch.testing.assert_close(found[real], expected[real], rtol=1e-5, atol=1e-5)
    found[real].square().sum().backward()
    expected[real].square().sum().backward()
    for name, parameter in pairs.items():
        torch.testing.assert_close(
            ours.get_parameter(name).grad, parameter.grad, rtol=1e-4, atol=1e-4
        )


def test_fresh_a_is_distributed_as_in_hugging_face_peft(tmp_path):
    ours = LoRA(8, 8, 0.0, ("q_proj",), None).apply(load_backbone(SPEC, "random"))
    theirs = get_peft_model(their_model(tmp_path), LoraConfig(r=8, target_modules=["query"]))
    bound = ours.layers[0].self_attn.q_proj.lora_A.abs().max()
    adapter = theirs.base_model.model.encoder.layer[0].attention.self.query
    torch.testing.assert_close(bound, adapter.lora_A.default.weight.abs().max(), rtol=0.05, atol=0)


def settings(**changes):
    return {
        "rank": 4,
        "alpha": 4,
        "dropout": 0.0,
        "target_modules": ("q_proj",),
        "last_k": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 0}, r"peft\.rank: expected a number above 0, found 0"),
        ({"alpha": float("inf")}, r"peft\.alpha: expected a number above 0, found inf"),
        ({"alpha": float("nan")}, r"peft\.alpha: expected a number above 0, found nan"),
        ({"alpha": -1}, r"peft\.alpha: expected a number above 0, found -1"),
        ({"dropout": 1.0}, r"peft\.dropout: expected 0 <= dropout < 1, found 1\.0"),
        ({"target_modules": ("q", "fc1")}, r"peft\.target_modules: .* found q$"),
        ({"target_modules": ()}, r"peft\.target_modules: .* found none"),
        ({"last_k": 33}, r"peft\.last_k: expected 1 to 3 layers of oracle, found 33"),
        ({"last_k": 0}, r"peft\.last_k: expected 1 to 3 layers of oracle, found 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        LoRA(**settings(**changes)).parameter_names(SPEC)


@pytest.mark.parametrize("options", [{"use_rslora": True}, {"init_lora_weights": "pissa"}])
def test_options_equal_those_of_hugging_face_peft(tmp_path, options):
    theirs = their_model(tmp_path)
    weights, _ = read_esm_folder(tmp_path)
    own = {"rslora": True} if "use_rslora" in options else {"start": "pissa"}
    ours = LoRA(**settings(alpha=6, **own)).apply(
        build_backbone(BackboneSource(SPEC), weights, "x")
    )
    theirs = get_peft_model(
        theirs, LoraConfig(r=4, lora_alpha=6, target_modules=["query"], **options)
    )
    for layer, block in enumerate(ours.layers):
        theirs_here = theirs.base_model.model.encoder.layer[layer].attention.self.query
        here = block.self_attn.q_proj
        assert here.scale == pytest.approx(theirs_here.scaling["default"])
        torch.testing.assert_close(here.base.weight, theirs_here.base_layer.weight)
        if own.get("start"):
            # Of singular vectors the sign is free, but not of their product.
            torch.testing.assert_close(
                here.lora_B @ here.lora_A,
                theirs_here.lora_B.default.weight @ theirs_here.lora_A.default.weight,
                rtol=1e-4,
                atol=1e-6,
            )


def test_learning_rates_equal_those_of_lora_plus(tmp_path):
    from peft.optimizers import create_loraplus_optimizer

    model = get_peft_model(their_model(tmp_path), LoraConfig(r=4, target_modules=["query"]))
    theirs = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=16)
    rates = {id(p): group["lr"] for group in theirs.param_groups for p in group["params"]}
    method = LoRA(**settings(lr_ratio=16.0))
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            part = name.removesuffix(".default.weight").rpartition(".")[2]
            assert rates[id(parameter)] == pytest.approx(1e-3 * method.rate_factor(part))


def test_principal_part_has_no_more_ranks_than_the_weight():
    with pytest.raises(ConfigError, match=r"peft\.rank: expected at most 32 with .*, found 33"):
        LoRA(**settings(rank=33, start="pissa")).apply(load_backbone(SPEC, "random"))
