"""Checkpoints with the reference's layout: what is made of them and what is refused."""

import argparse
import subprocess
import sys

import esm
import pytest
import torch

from peftsp.interop.reference import main
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers


def as_peft_0_4(state):
    """The layout of HF PEFT 0.4.0, which had no ``base_layer``."""
    return {key.replace(".base_layer.", "."): tensor for key, tensor in state.items()}


@torch.no_grad()
@pytest.mark.parametrize("layout", [dict, as_peft_0_4])
def test_lora_checkpoint_gives_the_same_emissions(tmp_path, lora_model, tokens, layout):
    torch.save(layout(lora_model.state_dict()), tmp_path / "model.pt")
    output = tmp_path / "bundles" / "lora"
    assert main([str(tmp_path / "model.pt"), "--backbone", "file", "-o", str(output)]) == 0
    (tagger,) = load_taggers([output])
    mask, kingdoms = torch.ones_like(tokens).bool(), torch.full((len(tokens),), -1)
    torch.testing.assert_close(tagger(tokens, mask, kingdoms), lora_model(tokens))


def test_settings_are_found_and_assumptions_told(tmp_path, lora_model, capsys):
    torch.save(lora_model.state_dict(), tmp_path / "model.pt")
    command = [str(tmp_path / "model.pt"), "--backbone", "file", "-o", str(tmp_path / "out")]
    assert main(command) == 0
    bundle = read_bundle(tmp_path / "out")
    assert bundle.peft == {
        "method": "lora",
        "rank": 4,
        "alpha": 8.0,
        "dropout": 0.1,
        "target_modules": ["q_proj", "k_proj", "v_proj", "out_proj"],
        "rslora": False,
        "start": "zero",
        "lr_ratio": 1.0,
        "last_k": 2,
    }
    assert not bundle.head.trainable
    assert (bundle.crf.constraint, bundle.crf.table, bundle.crf.decoding) == (
        "soft",
        "published",
        "free",
    )
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert rows["peft.rank"].endswith("found in the file")
    assert rows["peft.alpha"].endswith("not in the file; as published")
    assert rows["peft.rslora"].endswith("not in PEFT-SP")
    assert rows["crf.temperature"].endswith("not in PEFT-SP")

    assert main([*command[:-1], str(tmp_path / "new"), "--lora-alpha", "16"]) == 0
    assert read_bundle(tmp_path / "new").peft["alpha"] == 16
    assert "as given" in capsys.readouterr().out


@torch.no_grad()
def test_named_backbone_is_compared_and_left_out(
    tmp_path, monkeypatch, reference_model, tokens, capsys
):
    published = esm.ESM2(6, 320, 20)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "esm2_t6_8M_UR50D.pt"
    cached.parent.mkdir(parents=True)
    state = {f"encoder.sentence_encoder.{n}": t for n, t in published.state_dict().items()}
    torch.save({"cfg": {"model": argparse.Namespace()}, "model": state}, cached)
    reference_model.model_seq.esm2 = published
    reference_model.outputs_to_emissions = torch.nn.Linear(320, 37)
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    command = [str(tmp_path / "model.pt"), "--backbone", "esm2_8m", "-o"]
    for name, options in {"out": [], "other": ["--checkpoint", str(cached)]}.items():
        assert main([*command, str(tmp_path / name), *options]) == 0
        (tagger,) = load_taggers([tmp_path / name])
        hidden = tagger.backbone(tokens, torch.ones_like(tokens).bool())
        theirs = published.eval()(tokens, repr_layers=[6])["representations"][6][:, 1:-1]
        torch.testing.assert_close(hidden, theirs, rtol=1e-4, atol=1e-5)
        assert sum(f.stat().st_size for f in (tmp_path / name).iterdir()) < 100_000

    published.layers[3].fc1.weight.data[0, 0] += 0.1
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    assert main([*command, str(tmp_path / "new")]) == 2
    assert "layers.3.fc1.weight: expected the values of esm2_8m, found others" in (
        capsys.readouterr().err
    )


@torch.no_grad()
def test_backbone_trained_in_half_precision_gives_the_same_emissions(
    tmp_path, reference_model, tokens
):
    reference_model.half().float()
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    output = tmp_path / "out"
    assert main([str(tmp_path / "model.pt"), "--backbone", "file", "-o", str(output)]) == 0
    (tagger,) = load_taggers([output])
    assert tagger.backbone.spec.half_rotary
    mask, kingdoms = torch.ones_like(tokens).bool(), torch.full((len(tokens),), -1)
    torch.testing.assert_close(tagger(tokens, mask, kingdoms), reference_model(tokens))


def broken_files(folder):
    torch.save({"model": {"a": torch.zeros(1)}}, folder / "nested.pt")
    torch.save([torch.zeros(1)], folder / "list.pt")
    torch.save({}, folder / "empty.pt")
    content = (folder / "model.pt").read_bytes()
    (folder / "cut.pt").write_bytes(content[: len(content) // 2])
    torch.save(torch.nn.Linear(1, 1), folder / "pickled.pt")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("missing.pt", [], "missing.pt: expected a file, found none"),
        ("nested.pt", [], "expected a state dict of tensors, found dict under 'model'"),
        ("list.pt", [], "expected a state dict of tensors, found list"),
        ("empty.pt", [], "expected a matrix model_seq.esm2.embed_tokens.weight, found none"),
        ("cut.pt", [], "expected a complete PyTorch checkpoint, found"),
        ("pickled.pt", [], "found a reference to torch.nn.modules.linear.Linear"),
        ("model.pt", ["--checkpoint", "x"], "--checkpoint: expected none with --backbone file"),
        ("model.pt", ["--lora-alpha", "8"], "--lora-alpha: expected none"),
        ("model.pt", ["--backbone", "esm2_9m"], "found 'esm2_9m'"),
        ("model.pt", ["--backbone", "esm2_8m", "--checkpoint", "x"], "found nothing there"),
    ],
)
def test_command_prints_one_line_and_writes_nothing(
    tmp_path, reference_model, capsys, name, options, message
):
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    broken_files(tmp_path)
    before = sorted(tmp_path.iterdir())
    command = [str(tmp_path / name), "--backbone", "file", "-o", str(tmp_path / "out"), *options]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_folder_that_is_no_bundle_is_kept(tmp_path, reference_model, capsys):
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    command = [str(tmp_path / "model.pt"), "--backbone", "file", "-o", str(tmp_path / "out")]
    assert main(command) == 2
    assert "expected a new folder, found one that exists" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "out"}
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_moved_bundle_finds_its_backbone(tmp_path, reference_model, monkeypatch):
    torch.save(reference_model.state_dict(), tmp_path / "model.pt")
    main([str(tmp_path / "model.pt"), "--backbone", "file", "-o", str(tmp_path / "out")])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").rename(tmp_path / "elsewhere" / "moved")
    monkeypatch.chdir(tmp_path)
    load_taggers([tmp_path / "elsewhere" / "moved"])


def test_help_loads_no_torch():
    code = (
        "import sys\n"
        "from peftsp.interop.reference import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--lora-alpha" in done.stdout
