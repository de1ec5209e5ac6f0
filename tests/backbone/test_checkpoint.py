"""Weights in and out of files, and what is wrong with files that do not fit."""

import argparse
import pickle

import esm
import pytest
import torch

from peftsp.backbone.checkpoint import content_hash, infer_spec, load_backbone, read_weights
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec, published_spec
from peftsp.errors import CheckpointError, ConfigError, DownloadError

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)


@pytest.fixture
def fair_esm_model():
    torch.manual_seed(0)
    return esm.ESM2(SPEC.layers, SPEC.width, SPEC.heads)


def save_fair_esm(model, path, prefix="encoder.sentence_encoder.", **extra):
    """Write a file as the published ones are laid out."""
    options = argparse.Namespace(encoder_layers=2, encoder_embed_dim=32, token_dropout=True)
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    torch.save({"cfg": {"model": options}, "model": state, **extra}, path)
    return path


@pytest.mark.parametrize("prefix", ["encoder.sentence_encoder.", "encoder.", ""])
def test_fair_esm_file_gives_the_models_weights(tmp_path, fair_esm_model, prefix):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt", prefix)
    backbone = load_backbone(SPEC, str(path))
    expected = fair_esm_model.state_dict()
    for name, tensor in backbone.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)


def test_published_weights_are_found_in_the_torch_hub_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    spec = published_spec("esm2_8m")
    model = esm.ESM2(spec.layers, spec.width, spec.heads)
    save_fair_esm(model, folder / "esm2_t6_8M_UR50D.pt")
    backbone = load_backbone(spec)
    assert sum(p.numel() for p in backbone.parameters()) == spec.parameters


def test_compact_weights_are_in_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    backbone = load_backbone(published_spec("compact"))
    assert sum(p.numel() for p in backbone.parameters()) == backbone.spec.parameters
    assert backbone.embed_tokens.weight.dtype == torch.float32


def test_published_weights_that_cannot_be_fetched_say_where_to_put_them(tmp_path, monkeypatch):
    def refuse(url, **arguments):
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("peftsp.backbone.fair_esm.pooch.retrieve", refuse)
    with pytest.raises(DownloadError, match=r"esm2_t6_8M_UR50D\.pt: could not .* put it at"):
        load_backbone(published_spec("esm2_8m"))


def test_hash_is_of_the_content_not_of_the_file(tmp_path, fair_esm_model):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    backbone = load_backbone(SPEC, str(path))
    write_esm_folder(tmp_path / "folder", SPEC, backbone.state_dict())
    from_folder = load_backbone(SPEC, str(tmp_path / "folder"))
    assert from_folder.content_hash == backbone.content_hash
    changed = backbone.state_dict() | {"embed_tokens.weight": torch.zeros(33, 32)}
    assert content_hash(changed) != backbone.content_hash


def test_rotary_frequencies_are_those_of_the_file(tmp_path, fair_esm_model):
    fair_esm_model.half().float()
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    backbone = load_backbone(SPEC, str(path))
    tokens = torch.randint(4, 24, (2, 72), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = fair_esm_model.eval()(tokens, repr_layers=[2])["representations"][2][:, 1:-1]
        found = backbone(tokens, torch.ones_like(tokens).bool())
        backbone.source = BackboneSource(SPEC)
        other = backbone(tokens, torch.ones_like(tokens).bool())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (other - expected).abs().max() > 1e-4


def test_nothing_in_a_file_is_executed(tmp_path, fair_esm_model):
    marker = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return (marker.touch, ())

    path = save_fair_esm(fair_esm_model, tmp_path / "evil.pt", attack=Attack())
    with pytest.raises(CheckpointError, match=r"evil\.pt: expected .* found a reference to"):
        load_backbone(SPEC, str(path))
    assert not marker.exists()


def broken_files(folder, model):
    good = save_fair_esm(model, folder / "good.pt")
    content = good.read_bytes()
    (folder / "truncated.pt").write_bytes(content[: len(content) // 2])
    (folder / "text.pt").write_text("<html>404</html>")
    (folder / "empty.pt").write_bytes(b"")
    (folder / "pickle.pt").write_bytes(pickle.dumps({"model": {}}))
    torch.save({"weights": {}}, folder / "other.pt")
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
        ("truncated.pt", "expected a complete PyTorch checkpoint, found .* bytes"),
        ("text.pt", "expected"),
        ("empty.pt", "expected a complete PyTorch checkpoint, found 0 bytes"),
        ("pickle.pt", "expected"),
        ("other.pt", "expected a fair-esm checkpoint .* found the entries weights"),
        ("empty_folder", r"expected a config\.json in it, found none"),
        ("no_weights", r"expected model\.safetensors or pytorch_model\.bin, found none"),
        ("cut", "expected a complete safetensors file, found 5,000 bytes"),
        ("absolute", "expected position_embedding_type 'rotary' .* found 'absolute'"),
    ],
)
def test_broken_files_are_named_with_expected_and_found(tmp_path, fair_esm_model, name, message):
    broken_files(tmp_path, fair_esm_model)
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
def test_weights_of_another_size_are_refused(tmp_path, fair_esm_model, spec):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    with pytest.raises(CheckpointError, match="found 2 layers of width 32 and 4 heads"):
        load_backbone(spec, str(path))


def test_missing_and_unknown_tensors_are_refused(tmp_path, fair_esm_model):
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
    with pytest.raises(ConfigError, match=r"expected one of esm2_8m, .* found 'esm2_9m'"):
        published_spec("esm2_9m")
    with pytest.raises(ConfigError, match="expected a width that 5 heads divide"):
        BackboneSpec("odd", 1, 32, 5)
    with pytest.raises(CheckpointError, match="no weights of that name are published"):
        load_backbone(SPEC)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("esm2_8m", (6, 320, 20)),
        ("esm2_35m", (12, 480, 20)),
        ("esm2_150m", (30, 640, 20)),
        ("esm2_650m", (33, 1280, 20)),
        ("esm2_3b", (36, 2560, 40)),
        ("esm2_15b", (48, 5120, 40)),
    ],
)
def test_published_sizes_equal_fair_esms(name, sizes):
    spec = published_spec(name)
    with torch.device("meta"):
        theirs = esm.ESM2(*sizes)
        ours = ESM2(spec)
    shapes = {n: p.shape for n, p in theirs.named_parameters()}
    assert all(p.shape == shapes[n] for n, p in ours.named_parameters())
    assert sum(p.numel() for p in ours.parameters()) == spec.parameters
