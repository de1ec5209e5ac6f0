"""Weights in and out of files, and what is wrong with files that do not fit."""

import pytest
import torch

from peftsp.backbone.checkpoint import content_hash, infer_spec, load_backbone, read_weights
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec, published_spec
from peftsp.errors import CheckpointError, ConfigError

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)


def test_compact_weights_are_in_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    backbone = load_backbone(published_spec("compact"))
    assert sum(p.numel() for p in backbone.parameters()) == backbone.spec.parameters
    assert backbone.embed_tokens.weight.dtype == torch.float32


def test_hash_is_of_the_content_not_of_the_file(tmp_path, save_fair_esm, fair_esm_model):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    backbone = load_backbone(SPEC, str(path))
    write_esm_folder(tmp_path / "folder", SPEC, backbone.state_dict())
    from_folder = load_backbone(SPEC, str(tmp_path / "folder"))
    assert from_folder.content_hash == backbone.content_hash
    changed = backbone.state_dict() | {"embed_tokens.weight": torch.zeros(33, 32)}
    assert content_hash(changed) != backbone.content_hash


def broken_folders(folder):
    (folder / "empty_folder").mkdir()
    write_esm_folder(folder / "no_weights", SPEC, ESM2(SPEC).state_dict())
    (folder / "no_weights" / "model.safetensors").unlink()
    write_esm_folder(folder / "cut", SPEC, ESM2(SPEC).state_dict())
    tensors = folder / "cut" / "model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:5000])
    write_esm_folder(folder / "absolute", SPEC, ESM2(SPEC).state_dict())
    config = folder / "absolute" / "config.json"
    config.write_text(config.read_text().replace('"rotary"', '"absolute"'))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.pt", "found nothing there"),
        ("empty_folder", r"expected a config\.json in it, found none"),
        ("no_weights", r"expected model\.safetensors or pytorch_model\.bin, found none"),
        ("cut", "expected a complete safetensors file, found 5,000 bytes"),
        ("absolute", "expected position_embedding_type 'rotary' .* found 'absolute'"),
    ],
)
def test_broken_folders_are_named_with_expected_and_found(tmp_path, name, message):
    broken_folders(tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_backbone(SPEC, str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        BackboneSpec("deeper", 3, 32, 4),
        BackboneSpec("wider", 2, 64, 4),
        BackboneSpec("more heads", 2, 32, 8),
    ],
    ids=lambda spec: spec.name,
)
def test_weights_of_another_size_are_refused(tmp_path, save_fair_esm, fair_esm_model, spec):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    with pytest.raises(CheckpointError, match="found 2 layers of width 32 and 4 heads"):
        load_backbone(spec, str(path))


def test_missing_and_unknown_tensors_are_refused(tmp_path, save_fair_esm, fair_esm_model):
    fair_esm_model.extra = torch.nn.Parameter(torch.zeros(1))
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    with pytest.raises(CheckpointError, match="found an unknown one: extra"):
        load_backbone(SPEC, str(path))
    del fair_esm_model.extra, fair_esm_model.layers[1].fc1.bias
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    with pytest.raises(CheckpointError, match=r"found one missing: layers\.1\.fc1\.bias"):
        load_backbone(SPEC, str(path))


def test_architecture_is_inferred_from_tensors():
    weights, _ = read_weights(BackboneSource(SPEC, "random"))
    assert infer_spec(weights, 8, "small") == SPEC


def test_backbone_takes_the_tensors_it_was_given():
    from peftsp.backbone.checkpoint import build_backbone

    source = BackboneSource(SPEC, "random")
    weights, _ = read_weights(source)
    first, second = (build_backbone(source, weights, "") for _ in range(2))
    for name, parameter in first.named_parameters():
        assert parameter.data_ptr() == weights[name].data_ptr()
        assert parameter.data_ptr() == second.get_parameter(name).data_ptr()


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match=r"backbone\.dtype: expected one of float32"):
        load_backbone(SPEC, "random", dtype="int8")
