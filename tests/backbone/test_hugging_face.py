"""Folders of Hugging Face's ESM-2 models: read, written, and what is wrong with them."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.hugging_face import read_esm_folder, write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import CheckpointError

SPEC = BackboneSpec("small", layers=2, width=32, heads=4)


@pytest.mark.parametrize("half", [False, True])
def test_written_folder_opens_in_hugging_face(tmp_path, half):
    from transformers import EsmModel

    spec = replace(SPEC, half_rotary=half)
    backbone = load_backbone(spec, "random").eval()
    write_esm_folder(tmp_path, spec, backbone.state_dict())
    assert load_backbone(SPEC, str(tmp_path)).spec == spec
    theirs = EsmModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    tokens = torch.tensor([[0, 20, 15, 4, 5, 2]])
    mask = torch.ones_like(tokens).bool()
    with torch.no_grad():
        expected = theirs(input_ids=tokens, attention_mask=mask.long()).last_hidden_state[:, 1:-1]
        torch.testing.assert_close(backbone(tokens, mask), expected, rtol=1e-5, atol=1e-5)


def test_bin_and_sharded_folders_are_read(tmp_path):
    backbone = load_backbone(SPEC, "random")
    write_esm_folder(tmp_path / "whole", SPEC, backbone.state_dict())
    tensors = load_file(tmp_path / "whole" / "model.safetensors")
    config = (tmp_path / "whole" / "config.json").read_text()
    for name in ("bin", "sharded"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(config)
    torch.save(tensors, tmp_path / "bin" / "pytorch_model.bin")
    names = sorted(tensors)
    shards = {"model-00001-of-00002": names[::2], "model-00002-of-00002": names[1::2]}
    for shard, members in shards.items():
        part = {name: tensors[name] for name in members}
        save_file(part, tmp_path / "sharded" / f"{shard}.safetensors")
    index = {"weight_map": {n: f"{s}.safetensors" for s, m in shards.items() for n in m}}
    (tmp_path / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index))

    for name in ("bin", "sharded"):
        assert load_backbone(SPEC, str(tmp_path / name)).content_hash == backbone.content_hash
    (tmp_path / "sharded" / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"expected the file model-00002-of-00002"):
        load_backbone(SPEC, str(tmp_path / "sharded"))


HEADS = {
    "EsmModel": {"contact_head", "pooler"},
    "EsmForMaskedLM": {"contact_head", "lm_head"},
    "EsmForSequenceClassification": {"classifier", "contact_head"},
    "EsmForTokenClassification": {"classifier", "contact_head"},
}


@pytest.mark.parametrize("kind", HEADS)
def test_encoder_of_a_model_with_any_head_is_read(tmp_path, kind, capsys):
    import transformers

    config = transformers.EsmConfig(
        vocab_size=33,
        num_hidden_layers=SPEC.layers,
        hidden_size=SPEC.width,
        num_attention_heads=SPEC.heads,
        intermediate_size=4 * SPEC.width,
        position_embedding_type="rotary",
        token_dropout=True,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        mask_token_id=32,
    )
    model = getattr(transformers, kind)(config).eval()
    model.save_pretrained(tmp_path)
    capsys.readouterr()
    backbone = load_backbone(SPEC, str(tmp_path))
    line = capsys.readouterr().err
    assert line.startswith(f"{tmp_path}: left out ")
    assert line.count("\n") == 1
    assert all(head in line for head in HEADS[kind])
    tokens = torch.tensor([[0, 20, 15, 4, 5, 2]])
    mask = torch.ones_like(tokens).bool()
    encoder = model if kind == "EsmModel" else model.esm
    with torch.no_grad():
        expected = encoder(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        torch.testing.assert_close(backbone(tokens, mask), expected[:, 1:-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_other_files_beside_the_weights_do_no_harm(tmp_path, ending):
    backbone = load_backbone(SPEC, "random")
    write_esm_folder(tmp_path, SPEC, backbone.state_dict())
    if ending == "bin":
        path = tmp_path / "model.safetensors"
        torch.save(load_file(path), tmp_path / "pytorch_model.bin")
        path.unlink()
    torch.save({"learning_rate": 0.1}, tmp_path / "training_args.bin")
    save_file({"lora_A": torch.zeros(2)}, tmp_path / "adapter_model.safetensors")
    for name in ("model.safetensors.index.json", "pytorch_model.bin.index.json"):
        if ending in name:
            (tmp_path / name).write_text("")
    assert load_backbone(SPEC, str(tmp_path)).content_hash == backbone.content_hash


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "JSON"),
        ("[]", "a JSON object"),
        ("{}", "weight_map with the names of files, found None"),
        ('{"weight_map": []}', r"found \[\]"),
        ('{"weight_map": {"a": "../b.safetensors"}}', r"names of files beside it, found '\.\./b"),
        (
            '{"weight_map": {"a": "b.safetensors"}}',
            r"the file b\.safetensors beside it",
        ),
    ],
)
def test_index_that_cannot_be_used_is_named(tmp_path, content, found):
    backbone = load_backbone(SPEC, "random")
    write_esm_folder(tmp_path, SPEC, backbone.state_dict())
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CheckpointError, match=rf"index\.json: expected .*{found}"):
        load_backbone(SPEC, str(tmp_path))


def test_missing_encoder_tensor_is_named_beside_a_head(tmp_path):
    backbone = load_backbone(SPEC, "random")
    write_esm_folder(tmp_path, SPEC, backbone.state_dict())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.bias"]
    tensors["classifier.weight"] = torch.zeros(2)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"one missing: layers\.1\.fc2\.bias"):
        load_backbone(SPEC, str(tmp_path))


def test_folder_reader_reports_the_head_width(tmp_path):
    write_esm_folder(tmp_path, SPEC, ESM2(SPEC).state_dict())
    assert read_esm_folder(tmp_path)[1] == (SPEC.head_width, SPEC.half_rotary)
