"""Adapter folders that Hugging Face PEFT itself wrote, and what is wrong with others."""

import json

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import EsmModel

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import CheckpointError
from peftsp.interop.huggingface_peft import main
from peftsp.model.adapter_folder import read_adapter

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)
LAST = {"layers_to_transform": [1], "layers_pattern": "layer"}


@pytest.fixture(scope="module")
def esm_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esm")
    write_esm_folder(folder, SPEC, load_backbone(SPEC, "random").state_dict())
    return folder


def written(config, esm_folder, folder):
    torch.manual_seed(0)
    model = peft.get_peft_model(EsmModel.from_pretrained(esm_folder), config).eval()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn(parameter.shape)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize(
    "config",
    [
        peft.LoraConfig(r=2, target_modules=["query", "output.dense"], use_rslora=True, **LAST),
        peft.LoraConfig(r=2, target_modules=["query"], use_dora=True),
        peft.IA3Config(
            target_modules=["key", "value", "output.dense"], feedforward_modules=["output.dense"]
        ),
        peft.LoHaConfig(r=2, target_modules=["query", "intermediate.dense"], **LAST),
        peft.BeftConfig(target_modules=["query", "output.dense"]),
    ],
    ids=lambda config: config.peft_type.value,
)
def test_a_folder_of_theirs_gives_the_same_hidden_states(tmp_path, esm_folder, tokens, config):
    model = written(config, esm_folder, tmp_path)
    adapter = read_adapter(tmp_path)
    adapted = adapter.method.apply(load_backbone(SPEC, str(esm_folder))).eval()
    own = {name.removeprefix("backbone."): tensor for name, tensor in adapter.weights.items()}
    assert own.keys() == adapter.method.parameter_names(SPEC)
    adapted.load_state_dict(own, strict=False)
    with torch.no_grad():
        found = adapted(tokens, torch.ones_like(tokens).bool())
        expected = model(input_ids=tokens).last_hidden_state[:, 1:-1]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def adapter(tmp_path, esm_folder):
    written(peft.IA3Config(target_modules=["key"], feedforward_modules=[]), esm_folder, tmp_path)
    return tmp_path


def test_without_a_head_it_is_no_bundle_yet(adapter, capsys):
    assert main(["import", str(adapter), "-o", str(adapter / "bundle")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "expected peftsp_head.safetensors with head and CRF" in line
    assert "peft=from_adapter" in line
    assert not (adapter / "bundle").exists()


@pytest.mark.parametrize(
    ("config", "tensors", "message"),
    [
        ({"peft_type": "IA4"}, {}, r"adapter_config\.json: peft_type: .*, found 'IA4'"),
        ({}, {"base_model.model.other.weight": torch.zeros(1)}, "expected tensors of parts of an"),
        ({}, None, "expected an adapter in some layer, found none"),
        (
            {},
            {"base_model.model.encoder.layer.7.attention.self.key.ia3_l": torch.zeros(1)},
            "layers without a gap, found it in 0, 1, 7",
        ),
        (
            {},
            {"base_model.model.encoder.layer.1.attention.self.query.ia3_l": torch.zeros(1)},
            "the same parts in each layer, found k_proj in 0 and k_proj, q_proj in 1",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(adapter, config, tensors, message):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    path = adapter / "adapter_model.safetensors"
    save_file({} if tensors is None else load_file(path) | tensors, path)
    with pytest.raises(CheckpointError, match=message):
        read_adapter(adapter)


def test_a_broken_head_is_named(adapter):
    save_file({"base_model.model.head.x": torch.zeros(1)}, adapter / "peftsp_head.safetensors")
    with pytest.raises(CheckpointError, match=r"expected the settings of head, CRF and backbone"):
        read_adapter(adapter)
