"""Models out of bundles: their backbones, and what several share."""

import shutil

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec, published_spec
from peftsp.errors import BundleError, CheckpointError, ConfigError
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.restore import check_needed, load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.model.shipped import find_model
from peftsp.peft.frozen import Frozen
from peftsp.peft.full import Full

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)


def emissions_of(tagger, tokens):
    return tagger(tokens, tokens != 1, torch.full((len(tokens),), -1))


def test_restored_model_predicts_and_does_not_train(make_bundle, make_tagger, tokens):
    folder = make_bundle(seed=3)
    [tagger] = load_taggers([folder])
    assert not any(module.training for module in tagger.modules())
    assert not any(parameter.requires_grad for parameter in tagger.parameters())
    torch.testing.assert_close(
        emissions_of(tagger, tokens),
        emissions_of(make_tagger(seed=3), tokens),
        rtol=1e-4,
        atol=1e-5,
    )


def test_one_model_is_merged_and_several_share_their_backbone(make_bundle, make_tagger, tokens):
    folders = [make_bundle(f"fold{seed}", seed=seed) for seed in range(3)]
    [alone] = load_taggers(folders[:1])
    assert not [name for name, _ in alone.named_parameters() if "lora" in name]
    taggers = load_taggers(folders)
    shared = {p.data_ptr() for p in load_backbone(SPEC, "random", seed=5).parameters()}
    places = [
        {name: p.data_ptr() for name, p in tagger.backbone.named_parameters() if "lora" not in name}
        for tagger in taggers
    ]
    assert len(places[0]) == len(shared)
    assert places[0] == places[1] == places[2]
    for seed, tagger in enumerate(taggers):
        expected = emissions_of(make_tagger(seed=seed), tokens)
        torch.testing.assert_close(emissions_of(tagger, tokens), expected)


def test_backbone_in_half_precision_is_computed_in_single(make_tagger, tmp_path, tokens):
    settings = HeadSettings(0.1, 0, 0.1, True), CRFSettings("hard", "peftsp", "of_type")
    backbone = load_backbone(published_spec("compact"))
    trained = make_tagger(*settings, backbone=backbone)
    save_bundle(Bundle.from_tagger(trained, *settings, {}), tmp_path / "bundle")
    [tagger] = load_taggers([tmp_path / "bundle"])
    assert {parameter.dtype for parameter in tagger.parameters()} == {torch.float32}
    torch.testing.assert_close(
        emissions_of(tagger, tokens), emissions_of(trained, tokens), rtol=1e-4, atol=1e-5
    )


def test_bundles_of_different_backbones_are_kept_apart(make_bundle, tokens, make_tagger):
    folders = [
        make_bundle(f"seed{seed}", backbone=load_backbone(SPEC, "random", seed=seed))
        for seed in (5, 6)
    ]
    for seed, tagger in zip((5, 6), load_taggers(folders), strict=True):
        expected = make_tagger(backbone=load_backbone(SPEC, "random", seed=seed))
        torch.testing.assert_close(emissions_of(tagger, tokens), emissions_of(expected, tokens))


def write_folder(folder, seed):
    write_esm_folder(folder, SPEC, load_backbone(SPEC, "random", seed=seed).state_dict())


@pytest.fixture
def esm_folder(tmp_path):
    """A Hugging Face folder with the weights of a small backbone."""
    folder = tmp_path / "shared" / "esm2"
    folder.parent.mkdir()
    write_folder(folder, seed=5)
    return folder


def test_relative_backbone_counts_from_the_bundle(make_bundle, esm_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = make_bundle("shared/bundle", backbone=load_backbone(SPEC, str(esm_folder)))
    config = folder / "config.json"
    config.write_text(config.read_text().replace(str(esm_folder), "../esm2"))
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "shared", moved)
    [tagger] = load_taggers([moved / "bundle"])
    assert tagger.backbone.spec.layers == 2


def test_backbone_can_be_said_to_lie_elsewhere(make_bundle, esm_folder, tokens, make_tagger):
    folder = make_bundle("bundle", backbone=load_backbone(SPEC, str(esm_folder)))
    elsewhere = esm_folder.rename(esm_folder.with_name("elsewhere"))
    with pytest.raises(CheckpointError, match=r"esm2: expected .* found nothing there"):
        load_taggers([folder])
    [tagger] = load_taggers([folder], backbone_checkpoint=str(elsewhere))
    torch.testing.assert_close(
        emissions_of(tagger, tokens), emissions_of(make_tagger(), tokens), rtol=1e-4, atol=1e-5
    )


def test_elsewhere_must_be_the_same_weights(make_bundle, tmp_path):
    folder = make_bundle("bundle")
    other = tmp_path / "other"
    write_folder(other, seed=6)
    with pytest.raises(BundleError, match=r"bundle: expected the small backbone .* content hash"):
        load_taggers([folder], backbone_checkpoint=str(other))


def test_fully_trained_bundle_needs_no_backbone(make_bundle, esm_folder, tokens, make_tagger):
    backbone = load_backbone(SPEC, str(esm_folder))
    folder = make_bundle("bundle", method=Full(0.0), backbone=backbone)
    shutil.rmtree(esm_folder)
    [tagger] = load_taggers([folder])
    expected = make_tagger(method=Full(0.0))
    torch.testing.assert_close(emissions_of(tagger, tokens), emissions_of(expected, tokens))


def test_frozen_bundle_holds_head_and_crf_alone(make_bundle, tokens, make_tagger):
    [tagger] = load_taggers([make_bundle(method=Frozen())])
    expected = make_tagger(method=Frozen())
    torch.testing.assert_close(emissions_of(tagger, tokens), emissions_of(expected, tokens))


def test_weights_of_a_backbone_that_no_model_needs_are_refused():
    with pytest.raises(ConfigError, match="nowhere: expected no weights of a backbone"):
        check_needed(load_taggers([find_model("fast")]), "nowhere")
