"""Methods that live outside the package are imported only where the user says so."""

import sys

import pytest
import torch

import peftsp.app.cli
import peftsp.export.cli
from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.inference.commands import signalp6
from peftsp.inference.commands.predict import main
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.registry import find_method

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
HEAD = HeadSettings(dropout=0.0, kingdom_embedding=0, kingdom_dropout=0.0, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")
NAME = "mylab.mymethod:MyMethod"
CODE = '''
from dataclasses import dataclass
from peftsp.peft.base import PeftMethod


@dataclass(frozen=True)
class MyMethod(PeftMethod):
    """Trains the last layer norm."""

    strength: float = 1.0
    starts_as_identity = True

    def apply(self, backbone):
        backbone.requires_grad_(False)
        backbone.emb_layer_norm_after.weight.requires_grad_(True)
        return backbone

    def parameter_names(self, spec):
        return frozenset({"emb_layer_norm_after.weight"})

    def frozen_prefix(self, spec):
        return spec.layers
'''


@pytest.fixture
def mylab(tmp_path, monkeypatch):
    """A bundle of a method in a package that can be imported, and has not been."""
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "mymethod.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    method = find_method({"method": NAME, "strength": 2.0}, ["mylab"])
    tagger = build_tagger(load_backbone(SPEC, "random"), method, HEAD, CRF)
    torch.nn.init.normal_(tagger.backbone.emb_layer_norm_after.weight)
    save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, {}), tmp_path / "bundle")
    forget()
    yield tmp_path / "bundle"
    forget()


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        del sys.modules[name]


def test_its_code_is_imported_only_where_that_is_allowed(mylab):
    with pytest.raises(ConfigError, match=r"peft: expected --allow-code mylab .*, found none"):
        load_taggers([mylab])
    with pytest.raises(ConfigError, match=r"expected --allow-code mylab .*, found mylab\.mymethod"):
        load_taggers([mylab], allow_code=["mylab.mymethod"])
    assert "mylab" not in sys.modules
    [tagger] = load_taggers([mylab], allow_code=["mylab"])
    assert tagger.method.settings() == {"method": NAME, "strength": 2.0}
    assert tagger.method.label == "mymethod"


def test_command_predicts_with_it_where_that_is_allowed(mylab, tmp_path, capsys):
    (tmp_path / "in.fasta").write_text(">a\nMKKTAIAIAVALAGFATVAQA\n")
    command = [str(tmp_path / "in.fasta"), "--bundle", str(mylab), "-o", str(tmp_path / "out")]
    assert main(command) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "--allow-code mylab" in line
    assert main([*command, "--allow-code", "mylab"]) == 0
    assert (tmp_path / "out" / "predictions.csv").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (peftsp.export.cli, "BUNDLE -o DIR/model.onnx --check DIR/in.fasta"),
        (peftsp.app.cli, "BUNDLE -o DIR/page.html"),
        (signalp6, "--fastafile DIR/in.fasta --output_dir DIR/out --model_dir BUNDLE"),
    ],
    ids=["export", "app", "signalp6"],
)
def test_commands_take_it_where_that_is_allowed(
    mylab, tmp_path, capsys, monkeypatch, command, words
):
    (tmp_path / "in.fasta").write_text(">a\nMKKTAIAIAVALAGFATVAQA\n")
    monkeypatch.setattr("peftsp.app.cli.build_page", lambda *_: "page")
    given = words.replace("BUNDLE", str(mylab)).replace("DIR", str(tmp_path)).split()
    assert command.main(given) == 2
    assert "--allow-code mylab" in capsys.readouterr().err
    assert command.main([*given, "--allow-code", "mylab"]) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mylab.nothing:MyMethod", "expected mylab.nothing:MyMethod to import, found: No module"),
        ("nolab.nothing:MyMethod", "No module named 'nolab'; install nolab, or set PYTHONPATH"),
        ("mylab.mymethod:Other", "expected mylab.mymethod:Other to import, found: module"),
        ("mylab.mymethod:dataclass", "expected a PeftMethod, found mylab.mymethod:dataclass"),
        ("nothing", r"peft: expected one of adapter, .*, found 'nothing'"),
        (3, "peft: expected one of .*, found 3"),
    ],
)
def test_what_is_no_method_is_named(mylab, name, message):
    with pytest.raises(ConfigError, match=message):
        find_method({"method": name}, ["mylab", "nolab"])
