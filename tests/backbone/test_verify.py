"""The command that checks weights: what is right passes, what is wrong does not."""

import pytest
import torch

from peftsp.backbone import verify
from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec


@pytest.fixture(params=["float32", "float16"])
def folder(tmp_path, request):
    spec = BackboneSpec("esm2_tiny", layers=2, width=32, heads=4)
    backbone = load_backbone(spec, "random", dtype=request.param)
    write_esm_folder(tmp_path / "esm2", spec, backbone.state_dict())
    return tmp_path / "esm2"


def settings(folder):
    return ["backbone=esm2_tiny", f"backbone.checkpoint={folder}"]


def test_right_weights_agree_with_both_programs(folder, capsys):
    assert verify.main(settings(folder)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "yes, the backbone is right"
    assert sum(line.startswith("fair-esm") and line.endswith("agrees") for line in lines) == 5
    assert sum(line.startswith("Hugging Face") and line.endswith("agrees") for line in lines) == 4


def test_a_wrong_forward_pass_is_noticed(folder, capsys, monkeypatch):
    def without_scale(self, tokens, mask):
        return torch.ones(len(tokens), 1, 1)

    monkeypatch.setattr("peftsp.backbone.esm2.ESM2.embedding_scale", without_scale)
    assert verify.main(settings(folder)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "NO, the backbone is not right"
    assert any("float32" in line and line.endswith("DIFFERS") for line in lines)


def test_wrong_settings_give_one_line(tmp_path, capsys):
    assert verify.main(["backbone=esm2_8m", f"backbone.checkpoint={tmp_path}/none"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{tmp_path}/none: expected a fair-esm .pt file")
    assert error.count("\n") == 1
    assert verify.main(["backbone=esm9"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
