"""What is refused of methods of Hugging Face PEFT, and what is changed by them."""

import pytest

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.hf import HuggingFace

SPEC = BackboneSpec("small", layers=3, width=32, heads=4)


def ia3(**options):
    given = {"target_modules": ["k_proj", "fc2"], "feedforward_modules": ["fc2"], **options}
    return HuggingFace("IA3", given, last_k=2, identity=True)


def lora(**options):
    return HuggingFace("LORA", {"target_modules": ["q_proj"], **options}, 1, identity=True)


@pytest.mark.parametrize(
    "options",
    [
        {"bias": "all"},
        {"modules_to_save": ["emb_layer_norm_after"]},
        {"trainable_token_indices": [5]},
    ],
)
def test_what_would_train_beyond_the_chosen_layers_is_refused(options):
    """Nothing of it is in checkpoints and bundles."""
    head = HeadSettings(0.0, 0, 0.0, True, 0, False)
    crf = CRFSettings("hard", "peftsp", "of_type", False, 1.0)
    with pytest.raises(ConfigError, match=r"peft: expected hf_lora to train what it names in the"):
        build_tagger(load_backbone(SPEC, "random"), lora(**options), head, crf)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HuggingFace("IA4", {}, None, True), r"peft\.kind: .*, found 'IA4'"),
        (
            lambda: HuggingFace("ADALORA", {}, None, True),
            r"peft\.kind: expected another, since ADALORA allots ranks",
        ),
        (
            lambda: HuggingFace("SHIRA", {}, None, True),
            r"peft\.options\.random_seed: expected a number, .*, found none",
        ),
        (
            lambda: HuggingFace("PREFIX_TUNING", {}, None, True).apply(
                load_backbone(SPEC, "random")
            ),
            r"peft\.options: expected what PREFIX_TUNING takes, found: .*prompt learning",
        ),
        (lambda: ia3(rank=3), r"peft\.options: expected fields of IA3Config, found rank"),
        (
            lambda: ia3(target_modules=["k_proj", "query"]),
            r"peft\.options\.target_modules: expected some of .*, found query",
        ),
        (
            lambda: HuggingFace(
                "C3A", {"block_size": 7, "target_modules": ["q_proj"]}, None, True
            ).apply(load_backbone(SPEC, "random")),
            r"peft\.options: expected what C3A takes, found: .*block size",
        ),
        (lambda: ia3().layers(BackboneSpec("x", 1, 32, 4)), r"peft\.last_k: expected 1 to 1"),
        (
            lambda: lora(layers_to_transform=[2]),
            r"peft\.options\.layers_to_transform: expected none, as peft\.last_k chooses",
        ),
        (lambda: lora(rank_pattern={"q_proj": 4}), r"rank_pattern: expected none, .* found {'q"),
        (lambda: lora(init_lora_weights="olora"), "expected a start that leaves .* found olora"),
        (lambda: lora(init_lora_weights="pissa_niter_4"), "leaves .* found pissa_niter_4; peft=p"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_just_the_named_modules_of_the_last_layers_change():
    adapted = ia3().apply(load_backbone(SPEC, "random"))
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert trained == {
        f"layers.{layer}.{place}.ia3_l.default"
        for layer in (1, 2)
        for place in ("self_attn.k_proj", "fc2")
    }


def test_merged_methods_leave_nothing_of_peft_behind():
    method = ia3()
    merged = method.merge(method.apply(load_backbone(SPEC, "random")))
    assert not [name for name, _ in merged.named_modules() if "ia3" in name]
    assert merged.state_dict().keys() == load_backbone(SPEC, "random").state_dict().keys()


@pytest.mark.parametrize(
    ("kind", "options", "label"),
    [
        ("IA3", {"target_modules": ["k_proj"], "feedforward_modules": []}, "ia3"),
        ("LORA", {"use_dora": True}, "dora"),
        ("LORA", {"use_rslora": True}, "rslora"),
        ("LORA", {}, "hf_lora"),
    ],
)
def test_methods_are_told_apart_by_their_kind(kind, options, label):
    assert HuggingFace(kind, options, None, True).label == label
