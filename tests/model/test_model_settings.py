"""A model built from its settings: what trains, where it lies, and what does not fit."""

from dataclasses import dataclass, replace

import pytest

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.1, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")
METHOD = LoRA(2, 2, 0.0, ("q_proj",), None)
HEAD_AND_CRF = {
    "head.emissions.weight",
    "head.emissions.bias",
    "crf.transitions",
    "crf.start_transitions",
    "crf.end_transitions",
}


@pytest.mark.parametrize("is_trainable", [True, False])
def test_what_trains_is_method_and_head(make_tagger, is_trainable):
    tagger = make_tagger(replace(HEAD, trainable=is_trainable))
    training = {name for name, p in tagger.named_parameters() if p.requires_grad}
    of_method = {f"backbone.{n}" for n in tagger.method.parameter_names(SPEC)}
    assert training == of_method | (HEAD_AND_CRF if is_trainable else set())
    assert tagger.trained_names() == of_method | HEAD_AND_CRF


def test_settings_that_an_older_bundle_does_not_have_change_nothing():
    tagger = build_tagger(load_backbone(SPEC, "random"), METHOD, HEAD, CRF)
    assert tagger.head.context is tagger.head.shared is tagger.is_impossible is None
    assert tagger.temperature == 1


def test_settings_reach_the_parts_that_they_are_of():
    head = HeadSettings(0.2, 3, 0.4, True, context_window=5, shares_types=True)
    crf = CRFSettings("soft", "none", "free", residues=True, temperature=2.5)
    tagger = build_tagger(load_backbone(SPEC, "random"), METHOD, head, crf)
    assert (tagger.head.dropout, tagger.head.kingdom_dropout) == (0.2, 0.4)
    assert tagger.head.kingdoms.weight.shape == (5, 3)
    assert tagger.head.context.first.weight.shape == (64, SPEC.width, 5)
    assert tagger.head.shared is not None
    assert tagger.crf.constraint == "soft"
    assert tagger.crf.allowed_transitions.all()
    assert (tagger.decoding, tagger.temperature) == ("free", 2.5)
    assert tagger.is_impossible is not None


def test_what_a_method_adds_lies_where_the_backbone_does():
    method = Adapter(last_k=1, bottleneck=4, identity=True)
    tagger = build_tagger(load_backbone(SPEC, "random").to("meta"), method, HEAD, CRF)
    devices = {name: p.device.type for name, p in tagger.backbone.named_parameters()}
    assert method.parameter_names(SPEC) <= devices.keys()
    assert set(devices.values()) == {"meta"}


@pytest.mark.parametrize(
    ("crf", "message"),
    [
        (CRFSettings("firm", "peftsp", "free"), r"crf\.constraint: .* found 'firm'"),
        (CRFSettings("hard", "mine", "free"), r"crf\.table: .* found 'mine'"),
        (CRFSettings("hard", "peftsp", "best"), r"crf\.decoding: .* found 'best'"),
    ],
)
def test_unknown_settings_are_refused(crf, message):
    with pytest.raises(ConfigError, match=message):
        build_tagger(load_backbone(SPEC, "random"), METHOD, HEAD, crf)


@dataclass(frozen=True)
class Careless(Frozen):
    """Trains other parameters than those that it names."""

    trains: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def apply(self, backbone):
        for name, parameter in backbone.named_parameters():
            parameter.requires_grad_(name in self.trains)
        return backbone

    def parameter_names(self, spec):
        return frozenset(self.names)


@pytest.mark.parametrize(
    ("trains", "names"),
    [(("emb_layer_norm_after.bias",), ()), ((), ("emb_layer_norm_after.bias",))],
    ids=["lost", "never trained"],
)
def test_a_method_that_trains_other_than_what_it_names_is_refused(trains, names):
    with pytest.raises(ConfigError) as caught:
        build_tagger(load_backbone(SPEC, "random"), Careless(trains, names), HEAD, CRF)
    assert str(caught.value) == (
        f"peft: expected {Careless().label} to train what it names in the layers that it changes, "
        "found emb_layer_norm_after.bias to differ, of 1"
    )
