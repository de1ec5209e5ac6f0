"""LoRA adapters go to the Hugging Face PEFT library and come back with the same outputs."""

from dataclasses import replace

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import EsmForTokenClassification, EsmModel

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import BundleError, CheckpointError
from peftsp.interop.huggingface_peft import export_adapter, import_bundle, main
from peftsp.model.adapter_folder import read_adapter
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.restore import restore_tagger
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA

SPEC = BackboneSpec("small", layers=3, width=32, heads=4)
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.0, trainable=True)
CRF = CRFSettings(constraint="hard", table="peftsp", decoding="of_type")
METHODS = {
    "all targets": LoRA(
        4, 8, 0.1, ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"), last_k=2
    ),
    "feed-forward": LoRA(2, 3, 0.0, ("fc2",), last_k=None),
    "attention output": LoRA(3, 1.5, 0.0, ("out_proj",), last_k=1),
    "rsLoRA": LoRA(4, 8, 0.0, ("q_proj",), last_k=None, rslora=True),
    "PiSSA": LoRA(4, 8, 0.0, ("q_proj", "fc1"), last_k=None, start="pissa"),
}


def tagger_with(method):
    torch.manual_seed(0)
    tagger = build_tagger(load_backbone(SPEC, "random"), method, HEAD, CRF).eval()
    for name, parameter in tagger.named_parameters():
        if name.endswith("lora_B"):
            torch.nn.init.normal_(parameter, std=0.3)
    return tagger


@pytest.fixture
def esm_folder(tmp_path):
    write_esm_folder(tmp_path / "esm", SPEC, load_backbone(SPEC, "random").state_dict())
    return tmp_path / "esm"


def hidden_of(model, tokens):
    with torch.no_grad():
        return model(input_ids=tokens).last_hidden_state[:, 1:-1]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_exported_adapter_gives_the_same_representations(tmp_path, esm_folder, tokens, method):
    tagger = tagger_with(method)
    save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, {}), tmp_path / "bundle")
    command = ["export", str(tmp_path / "bundle"), "-o", str(tmp_path / "adapter")]
    assert main(command) == 0
    base = EsmModel.from_pretrained(esm_folder, add_pooling_layer=False).eval()
    plain = hidden_of(base, tokens)
    adapted = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with torch.no_grad():
        ours = tagger.backbone(tokens, torch.ones_like(tokens).bool())
    torch.testing.assert_close(hidden_of(adapted, tokens), ours, rtol=0, atol=1e-5)
    assert (plain - ours).abs().max() > 0.01
    matrices = sum("lora_" in name for name, _ in adapted.named_parameters())
    assert matrices == len(method.parameter_names(SPEC))


@pytest.fixture
def adapter(tmp_path, esm_folder):
    """A folder that HF PEFT wrote, and the model that it belongs to."""
    base = EsmModel.from_pretrained(esm_folder, add_pooling_layer=False)
    config = peft.LoraConfig(
        r=4,
        lora_alpha=6,
        lora_dropout=0.2,
        target_modules=["query", "value", "attention.output.dense"],
        layers_to_transform=[1, 2],
        layers_pattern="layer",
    )
    model = peft.get_peft_model(base, config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter", model


def test_imported_adapter_gives_the_same_representations(adapter, tokens):
    folder, model = adapter
    imported = read_adapter(folder)
    assert imported.method == LoRA(4, 6, 0.2, ("q_proj", "v_proj", "out_proj"), last_k=2)
    tagger = tagger_with(imported.method)
    assert not tagger.load_state_dict(imported.weights, strict=False).unexpected_keys
    with torch.no_grad():
        ours = tagger.backbone(tokens, torch.ones_like(tokens).bool())
    torch.testing.assert_close(ours, hidden_of(model, tokens), rtol=0, atol=1e-5)


def test_round_trip_keeps_every_value(tmp_path):
    tagger = tagger_with(METHODS["all targets"])
    bundle = Bundle.from_tagger(tagger, HEAD, CRF, {})
    export_adapter(bundle, tmp_path)
    imported = read_adapter(tmp_path)
    assert imported.method == METHODS["all targets"]
    for name, tensor in imported.weights.items():
        torch.testing.assert_close(tensor, bundle.weights[name], rtol=0, atol=0)


def test_bin_file_and_model_with_a_head_are_read(tmp_path, adapter, esm_folder):
    folder, _ = adapter
    expected = read_adapter(folder).weights
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    for name, tensor in read_adapter(folder).weights.items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)

    config = peft.LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"])
    model = EsmForTokenClassification.from_pretrained(esm_folder)
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "classifier")
    imported = read_adapter(tmp_path / "classifier")
    assert imported.method.target_modules == ("q_proj",)
    assert imported.method.last_k == SPEC.layers
    assert imported.unused
    assert all("classifier" in key for key in imported.unused)


QUERY = "base_model.model.encoder.layer.2.attention.self.query."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(QUERY + "lora_B.weight"), r"one missing: .*2\.self_attn\.q_proj\.lora_B"),
        (
            lambda t: t.update({QUERY + "lora_magnitude_vector": torch.zeros(1)}),
            r"an unknown one: .*\.lora_magnitude_vector",
        ),
        (lambda t: [t.pop(k) for k in list(t) if ".2." in k], r"an unknown one: .*layers\.1\."),
        (
            lambda t: t.update({QUERY + "lora_A.weight": torch.zeros(8, 32)}),
            r"expected shape \(4, ",
        ),
    ],
)
def test_tensors_that_do_not_fit_a_backbone_are_refused(adapter, change, message):
    path = adapter[0] / "adapter_model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    read = read_adapter(adapter[0])
    bundle = Bundle.from_tagger(tagger_with(Frozen()), HEAD, CRF, {})
    bundle = replace(
        bundle, peft=read.method.settings(), weights={**bundle.weights, **read.weights}
    )
    with pytest.raises(BundleError, match=message):
        restore_tagger(bundle, read.method, str(adapter[0]))


def test_missing_and_broken_files_are_named(adapter):
    folder, _ = adapter
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match=r"adapter_model\.safetensors: expected a complete"):
        read_adapter(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"expected adapter_model\.safetensors in it, found"):
        read_adapter(folder)
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"adapter_config\.json: expected JSON"):
        read_adapter(folder)


def test_bundle_of_another_method_is_not_exported(tmp_path, capsys):
    bundle = Bundle.from_tagger(tagger_with(Frozen()), HEAD, CRF, {})
    with pytest.raises(BundleError, match=r"expected a bundle with lora, .*, found frozen"):
        export_adapter(bundle, tmp_path / "adapter")
    assert main(["export", str(tmp_path / "none"), "-o", str(tmp_path / "adapter")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "adapter").exists()


def test_bundle_that_is_there_is_not_replaced(tmp_path, capsys):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "adapter_config.json").write_text("mine")
    assert main(["import", str(tmp_path / "none"), "-o", str(tmp_path / "bundle")]) == 2
    assert "bundle: expected a new folder, found one that exists" in capsys.readouterr().err
    assert main(["export", "fast", "-o", str(tmp_path / "bundle")]) == 2
    assert "bundle: expected a new folder, found one that exists" in capsys.readouterr().err
    assert (tmp_path / "bundle" / "adapter_config.json").read_text() == "mine"


def test_a_method_of_all_layers_comes_back_as_such(tmp_path, esm_folder):
    """`None` and all of them are one and the same, which a number alone would not tell."""
    for last_k in (None, 2):
        method = LoRA(2, 3, 0.0, ("fc2",), last_k)
        bundle = Bundle.from_tagger(tagger_with(method), HEAD, CRF, {})
        export_adapter(bundle, tmp_path / f"adapter{last_k}")
        back = import_bundle(tmp_path / f"adapter{last_k}", str(esm_folder))
        assert back.peft == bundle.peft


def test_licences_and_card_go_with_the_weights_and_come_back(tmp_path, esm_folder):
    papers = {"README.md": "of mine\n", "LICENSE": "GPL\n", "NOTICE": "Müller\n"}
    bundle = Bundle.from_tagger(tagger_with(METHODS["rsLoRA"]), HEAD, CRF, {})
    save_bundle(bundle, tmp_path / "bundle", papers={**papers, "backbone/NOTICE": "of another\n"})
    assert main(["export", str(tmp_path / "bundle"), "-o", str(tmp_path / "adapter")]) == 0
    back = ["-o", str(tmp_path / "back"), "--checkpoint", str(esm_folder)]
    assert main(["import", str(tmp_path / "adapter"), *back]) == 0
    for folder in ("adapter", "back"):
        found = {name: (tmp_path / folder / name).read_text("utf-8") for name in papers}
        assert found == papers
        assert not (tmp_path / folder / "backbone").exists()
