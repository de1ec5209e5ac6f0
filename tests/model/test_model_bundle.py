"""Bundles on disk: what they hold, and what is wrong with broken ones."""

import json
import pickle
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from peftsp import predict
from peftsp.errors import BundleError, ConfigError, PeftspError
from peftsp.model.bundle import VERSION, Bundle, read_bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.1, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")


def test_folder_holds_two_files_that_anyone_may_read(bundle):
    files = sorted(bundle.iterdir())
    assert [path.name for path in files] == ["config.json", "weights.safetensors"]
    assert stat.S_IMODE(files[0].stat().st_mode) == stat.S_IMODE(files[1].stat().st_mode)


def test_what_is_written_is_read(make_tagger, tmp_path):
    tagger = make_tagger()
    written = Bundle.from_tagger(tagger, HEAD, CRF, {"fold": 3, "metrics": {"test/score": 1.5}})
    save_bundle(written, tmp_path / "bundle")
    read = read_bundle(tmp_path / "bundle")
    for name in ("backbone", "backbone_sha256", "peft", "head", "crf", "training"):
        # JSON has no tuples.
        assert json.dumps(getattr(read, name), default=str) == json.dumps(
            getattr(written, name), default=str
        )
    assert read.weights.keys() == tagger.trained_names()
    for name, tensor in read.weights.items():
        assert torch.equal(tensor, tagger.state_dict()[name])


def test_weights_in_half_precision_are_read_in_single(bundle):
    change_weights(bundle, lambda w: w.update({name: t.half() for name, t in w.items()}))
    stored = load_file(bundle / "weights.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    assert {t.dtype for t in read_bundle(bundle).weights.values()} == {torch.float32}
    (tagger,) = load_taggers([bundle])
    assert {p.dtype for p in tagger.parameters()} == {torch.float32}


def test_bundle_with_numbers_that_are_not_finite_is_neither_read_nor_written(bundle, tmp_path):
    name = "head.emissions.bias"
    made = read_bundle(bundle)
    made.weights[name][3] = torch.nan
    with pytest.raises(BundleError, match=rf"{name}: expected finite numbers"):
        save_bundle(made, tmp_path / "other")
    change_weights(bundle, lambda w: w[name].fill_(torch.inf))
    with pytest.raises(BundleError, match=rf"weights\.safetensors: {name}: expected finite"):
        read_bundle(bundle)


def test_path_of_the_weights_changes_nothing_else_of_the_backbone(bundle, tmp_path):
    """A backbone in four bits stays so where its file is found."""
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    config["backbone"] |= {"checkpoint": "../weights.pt", "quantization": "nf4", "seed": 7}
    path.write_text(json.dumps(config))
    expected = replace(read_bundle(bundle).backbone, checkpoint=str(bundle / "../weights.pt"))
    (tmp_path / "weights.pt").touch()
    assert read_bundle(bundle).backbone == expected
    assert expected.quantization == "nf4"


def test_weights_may_be_given_but_all_of_them(make_tagger):
    tagger = make_tagger()
    names = tagger.trained_names()
    given = {name: torch.full_like(tagger.state_dict()[name], 7.0) for name in names}
    made = Bundle.from_tagger(tagger, HEAD, CRF, {}, given)
    assert all((tensor == 7).all() for tensor in made.weights.values())
    del given["crf.transitions"]
    with pytest.raises(BundleError, match=r"weights: .* found one missing: crf\.transitions"):
        Bundle.from_tagger(tagger, HEAD, CRF, {}, given)


def test_earlier_bundle_is_replaced(make_bundle):
    first = load_file(make_bundle(seed=1) / "weights.safetensors")
    again = load_file(make_bundle(seed=2) / "weights.safetensors")
    assert not torch.equal(first["head.emissions.weight"], again["head.emissions.weight"])


def test_bundle_with_its_papers_is_replaced(make_tagger, tmp_path):
    bundle = Bundle.from_tagger(make_tagger(), HEAD, CRF, {})
    papers = dict.fromkeys(("README.md", "START.md", "LICENSE", "NOTICE", "backbone/NOTICE"), "")
    save_bundle(bundle, tmp_path / "made", papers=papers)
    save_bundle(bundle, tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "config.json",
        "weights.safetensors",
    }


def test_folder_that_is_no_bundle_is_kept(make_bundle, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(BundleError, match=r"thesis: expected a bundle or nothing there"):
        make_bundle("thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_model_of_others_is_kept(make_bundle, tmp_path):
    (tmp_path / "esm").mkdir()
    (tmp_path / "esm" / "config.json").write_text('{"model_type": "esm"}')
    with pytest.raises(
        BundleError, match=r"or nothing there, found a config\.json of something el"
    ):
        make_bundle("esm")
    assert (tmp_path / "esm" / "config.json").is_file()


def test_bundle_with_notes_in_it_is_kept(make_bundle):
    notes = make_bundle(seed=1) / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(BundleError, match=r"or nothing there, found notes\.txt beside it"):
        make_bundle(seed=2)
    assert notes.read_text() == "mine"


def test_failed_write_keeps_the_earlier_bundle(bundle, make_bundle, monkeypatch):
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}

    def fail(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr("peftsp.model.bundle.write_safetensors", fail)
    with pytest.raises(ConfigError, match="expected a place to write to, found: no space"):
        make_bundle(seed=9)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def change_config(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def change_weights(folder, change):
    path = folder / "weights.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def config(change):
    return lambda folder: change_config(folder, change)


def weights(change):
    return lambda folder: change_weights(folder, change)


class Bomb:
    """A pickle that leaves a trace when it is opened."""

    def __reduce__(self):
        return exec, ("open('exploded', 'w').close()",)


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def truncate(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


BROKEN = {
    "no folder": (lambda f: f.rename(f.with_name("away")), r"bundle: .* with config\.json in it"),
    "no config": (lambda f: (f / "config.json").unlink(), r"config\.json in it, found none"),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), r"found none"),
    "text": (text("config.json", "hello"), r"config\.json: expected JSON"),
    "torn JSON": (text("config.json", '{"format": "peftsp'), r"config\.json: expected JSON"),
    "list": (text("config.json", "[]"), r"config\.json: expected a JSON object, found \[\]"),
    "other format": (config(lambda c: c.update(format="x")), r"found 'x'"),
    "new version": (config(lambda c: c.update(version=2)), r"bundle version 1, found 2"),
    "no version": (config(lambda c: c.pop("version")), r"bundle version 1, found None"),
    "unknown key": (config(lambda c: c.update(code="x")), r"differing: code"),
    "missing key": (config(lambda c: c.pop("crf")), r"differing: crf"),
    "unknown setting": (config(lambda c: c["head"].update(hidden=3)), r"version 1.*'hidden'"),
    "missing setting": (config(lambda c: c["crf"].pop("table")), r"version 1.*'table'"),
    "no hash": (config(lambda c: c["backbone"].pop("sha256")), r"sha256"),
    "hash of another type": (config(lambda c: c["backbone"].update(sha256=5)), r"found 5"),
    "section of another type": (config(lambda c: c.update(head=None)), r"head: .* found None"),
    "setting of another type": (
        config(lambda c: c["head"].update(dropout="much")),
        r"config\.json: dropout: expected float, found 'much'",
    ),
    "truth for a number": (
        config(lambda c: c["backbone"]["spec"].update(layers=True)),
        r"layers: expected int, found True",
    ),
    "unknown method": (config(lambda c: c["peft"].update(method="os")), r"peft: .* found 'os'"),
    "unknown setting of the method": (config(lambda c: c["peft"].update(x=1)), r"peft lora"),
    "setting of the method of another type": (
        config(lambda c: c["peft"].update(last_k="all")),
        r"last_k: expected int \| None, found 'all'",
    ),
    "impossible architecture": (
        config(lambda c: c["backbone"]["spec"].update(heads=3)),
        r"expected a width that 3 heads divide",
    ),
    "truncated": (truncate, r"weights\.safetensors: expected a complete safetensors file"),
    "pickle": (
        lambda f: (f / "weights.safetensors").write_bytes(pickle.dumps(Bomb())),
        r"weights\.safetensors: expected a complete safetensors file",
    ),
    "torch file": (
        lambda f: torch.save({"a": torch.zeros(1)}, f / "weights.safetensors"),
        r"weights\.safetensors: expected a complete safetensors file",
    ),
    "missing tensor": (weights(lambda w: w.pop("crf.transitions")), r"missing: crf\.transitions"),
    "unknown tensor": (weights(lambda w: w.update(x=torch.zeros(1))), r"an unknown one: x"),
    "other shape": (
        weights(lambda w: w.update({"head.emissions.bias": torch.zeros(36)})),
        r"head\.emissions\.bias: expected shape \(37,\), found \(36,\)",
    ),
    "other rank": (
        config(lambda c: c["peft"].update(rank=3)),
        r"lora_A: expected shape \(3, 16\), found \(2, 16\)",
    ),
    "no number": (
        weights(lambda w: w["head.emissions.bias"].fill_(float("nan"))),
        r"head\.emissions\.bias: expected finite numbers, found NaN or infinity",
    ),
    "endless layers": (
        config(lambda c: c["backbone"]["spec"].update(layers=10**8)),
        r"at most 256 layers .* found layers=100000000",
    ),
    "endless embedding": (
        config(lambda c: c["head"].update(kingdom_embedding=10**12)),
        r"head\.emissions\.weight: expected shape|of the size of its weights",
    ),
    "release elsewhere": (
        config(
            lambda c: c["backbone"].update(
                checkpoint=None, spec={**c["backbone"]["spec"], "release": "../../x"}
            )
        ),
        r"expected one of the published releases .* found '\.\./\.\./x'",
    ),
    "name elsewhere": (
        config(
            lambda c: c["backbone"].update(
                checkpoint=None, spec={**c["backbone"]["spec"], "name": "../x"}
            )
        ),
        r"no weights of that name are published",
    ),
    "other layers": (config(lambda c: c["peft"].update(last_k=1)), r"an unknown one: backbone"),
    "other backbone": (
        config(lambda c: c["backbone"].update(seed=6)),
        r"expected the small backbone with the content hash \w{12}…, found \w{12}…",
    ),
}


@pytest.mark.parametrize(("breaks", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_bundle_is_one_clear_error(bundle, monkeypatch, tmp_path, breaks, message):
    monkeypatch.chdir(tmp_path)
    breaks(bundle)
    with pytest.raises(PeftspError, match=message) as caught:
        load_taggers([bundle])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_bundle_of_an_earlier_version_predicts_what_it_did(version):
    """The folders were written, and predicted from, by the first code that had the version."""
    folder = REPOSITORY / "tests" / "data" / f"bundle_version_{version}"
    expected = json.loads((folder / "predictions.json").read_text())
    found = list(predict(REPOSITORY / "examples" / "proteins.fasta", bundle=folder))
    assert [prediction.header for prediction in found] == [one["header"] for one in expected]
    assert [p.sp_type for p in found] == [one["sp_type"] for one in expected]
    assert [p.cleavage_site for p in found] == [one["cleavage_site"] for one in expected]
    for prediction, one in zip(found, expected, strict=True):
        assert prediction.probabilities == pytest.approx(one["probabilities"], abs=1e-5)
