"""Files of fair-esm: read as they are published, fetched once, and never executed."""

import pickle

import esm
import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.fair_esm import fetch_release, read_fair_esm_file
from peftsp.backbone.specs import BackboneSource, BackboneSpec, published_spec
from peftsp.errors import CheckpointError, DownloadError

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)


@pytest.mark.parametrize("prefix", ["encoder.sentence_encoder.", "encoder.", ""])
def test_fair_esm_file_gives_the_models_weights(tmp_path, save_fair_esm, fair_esm_model, prefix):
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt", prefix)
    backbone = load_backbone(SPEC, str(path))
    expected = fair_esm_model.state_dict()
    for name, tensor in backbone.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_are_read_in_the_dtype_of_the_file_without_its_heads(
    tmp_path, save_fair_esm, fair_esm_model, dtype
):
    path = save_fair_esm(fair_esm_model.to(dtype), tmp_path / "esm2.pt")
    weights, shape = read_fair_esm_file(path)
    assert weights.keys() == ESM2(SPEC).state_dict().keys()
    assert {tensor.dtype for tensor in weights.values()} == {dtype}
    assert shape == (8, dtype == torch.float16)


def test_file_without_frequencies_says_nothing_of_attention(
    tmp_path, save_fair_esm, fair_esm_model
):
    state = {n: t for n, t in fair_esm_model.state_dict().items() if "inv_freq" not in n}
    fair_esm_model.state_dict = lambda: state
    path = save_fair_esm(fair_esm_model, tmp_path / "esm2.pt")
    assert read_fair_esm_file(path)[1] == (None, None)


def test_rotary_frequencies_are_those_of_the_file(tmp_path, save_fair_esm, fair_esm_model):
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


def test_nothing_in_a_file_is_executed(tmp_path, save_fair_esm, fair_esm_model):
    marker = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return (marker.touch, ())

    path = save_fair_esm(fair_esm_model, tmp_path / "evil.pt", attack=Attack())
    with pytest.raises(CheckpointError, match=r"evil\.pt: expected .* found a reference to"):
        load_backbone(SPEC, str(path))
    assert not marker.exists()


def broken_files(folder, good):
    content = good.read_bytes()
    (folder / "truncated.pt").write_bytes(content[: len(content) // 2])
    (folder / "text.pt").write_text("<html>404</html>")
    (folder / "empty.pt").write_bytes(b"")
    (folder / "pickle.pt").write_bytes(pickle.dumps({"model": {}}))
    torch.save({"weights": {}}, folder / "other.pt")
    torch.save(dict.fromkeys("abcd", 0), folder / "entries.pt")
    torch.save([1], folder / "list.pt")
    torch.save({"model": {"embed_tokens.weight": "none"}}, folder / "no_tensor.pt")
    torch.save({"model": {"a": torch.eye(2).to_sparse()}}, folder / "sparse.pt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("truncated.pt", "expected a complete PyTorch checkpoint, found .* bytes"),
        ("text.pt", "expected"),
        ("empty.pt", "expected a complete PyTorch checkpoint, found 0 bytes"),
        ("pickle.pt", "expected"),
        ("other.pt", "expected a fair-esm checkpoint .* found the entries weights$"),
        ("entries.pt", "found the entries a, b, c, …$"),
        ("list.pt", "expected a fair-esm checkpoint .* found list$"),
        ("no_tensor.pt", "expected a fair-esm checkpoint .* found the entries model$"),
        ("sparse.pt", "a: expected a dense float tensor, found a sparse"),
    ],
)
def test_broken_files_are_named_with_expected_and_found(
    tmp_path, save_fair_esm, fair_esm_model, name, message
):
    broken_files(tmp_path, save_fair_esm(fair_esm_model, tmp_path / "good.pt"))
    with pytest.raises(CheckpointError, match=message) as caught:
        load_backbone(SPEC, str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_published_weights_are_found_in_the_torch_hub_cache(tmp_path, monkeypatch, save_fair_esm):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    spec = published_spec("esm2_8m")
    model = esm.ESM2(spec.layers, spec.width, spec.heads)
    save_fair_esm(model, folder / "esm2_t6_8M_UR50D.pt")
    monkeypatch.setattr("peftsp.backbone.fair_esm.pooch.retrieve", pytest.fail)
    backbone = load_backbone(spec)
    assert sum(p.numel() for p in backbone.parameters()) == spec.parameters


def test_published_weights_that_cannot_be_fetched_say_where_to_put_them(tmp_path, monkeypatch):
    def refuse(url, **arguments):
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("peftsp.backbone.fair_esm.pooch.retrieve", refuse)
    with pytest.raises(DownloadError, match=r"esm2_t6_8M_UR50D\.pt: could not .* put it at"):
        load_backbone(published_spec("esm2_8m"))


@pytest.mark.parametrize(
    ("release", "message"),
    [
        (None, "backbone mine: expected backbone.checkpoint to name .* since no weights of that"),
        ("../x", r"backbone mine: expected one of .*, esm2_t48_15B_UR50D, found '\.\./x'"),
    ],
)
def test_weights_that_nobody_publishes_are_not_looked_for(release, message, monkeypatch):
    monkeypatch.setattr("peftsp.backbone.fair_esm.pooch.retrieve", pytest.fail)
    with pytest.raises(CheckpointError, match=message):
        fetch_release(BackboneSpec("mine", 2, 32, 4, release))
