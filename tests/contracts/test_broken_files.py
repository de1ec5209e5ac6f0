"""Whatever a file holds, its reader takes it or refuses it in one line."""

import argparse
import copy
import gzip
import json
import lzma
import os
import random
import shutil
import struct
import time
from contextlib import closing

import peft  # noqa: F401  its import is not of what a file costs
import pytest
import torch
from safetensors.torch import load_file, save_file

from peftsp.backbone.checkpoint import load_backbone, read_weights
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.data.fasta import read_entries
from peftsp.errors import PeftspError
from peftsp.inference.run.output import OutputFolder
from peftsp.inference.run.store import PredictionStore
from peftsp.interop.huggingface_peft import export_adapter
from peftsp.interop.reference_bundle import convert, own_backbone, read_reference_file
from peftsp.model.adapter_folder import read_adapter
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA
from peftsp.records import Prediction, Region

SPEC = BackboneSpec("tiny", 2, 16, 2)
SECONDS = 5
RECORD = {"peftsp": "0", "files": ["a.csv"], "sha256": {"a.csv": "0"}, "bundles": []}
VALUES = [
    *(None, True, -1, 0, 1, 3, 10**8, 10**30, 0.5, -1e308, "", "text", "\x1b[31m\n", "../x"),
    *("a" * 5000, [], {}, [1, "x"], {"a": {}}, "/etc/passwd", "nf4", "full", "esm2_8m", "\ud800"),
]
TENSORS = [
    torch.zeros(3).to(torch.float8_e4m3fn),
    torch.zeros(2, 2, dtype=torch.int64),
    torch.full((37,), float("nan")),
    torch.zeros(()),
    torch.zeros(0, 16),
    torch.zeros(2, dtype=torch.complex64),
]
PICKLED = [
    *TENSORS,
    torch.eye(3).to_sparse(),
    torch.zeros(4, device="meta"),
    torch.zeros(1).expand(10**9, 10**3),
    "no tensor",
    {"a": 1},
]


def read_all(folder):
    load_taggers([folder / "bundle"])


def read_fair_esm(folder):
    load_backbone(SPEC, str(folder / "esm.pt"))


def read_folder(folder):
    read_weights(BackboneSource(SPEC, str(folder / "esm")))


def read_adapter_folder(folder):
    read_adapter(folder / "adapter")


def read_reference(folder):
    state = read_reference_file(folder / "reference.pt")
    source, weights = own_backbone(state)
    convert(state, source, weights)


def read_predictions(folder):
    PredictionStore(folder / "out", {}).resume(1)


def read_run_record(folder):
    with OutputFolder(folder / "out"):
        pass


def read_fasta(folder):
    for name in ("proteins.fasta", "proteins.fasta.gz", "proteins.fasta.xz"):
        for _ in read_entries(folder / name):
            pass


READERS = {
    "bundle/config.json": read_all,
    "bundle/weights.safetensors": read_all,
    "esm.pt": read_fair_esm,
    "esm/config.json": read_folder,
    "esm/model.safetensors": read_folder,
    "esm/model.safetensors.index.json": read_folder,
    "adapter/adapter_config.json": read_adapter_folder,
    "adapter/adapter_model.safetensors": read_adapter_folder,
    "reference.pt": read_reference,
    "out/prediction.json": read_run_record,
    "out/predictions.partial": read_predictions,
    **dict.fromkeys(("proteins.fasta", "proteins.fasta.gz", "proteins.fasta.xz"), read_fasta),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One right file for each reader."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("whole")
    head = HeadSettings(0.1, 2, 0.1, True, 3)
    crf = CRFSettings("hard", "peftsp", "of_type")
    backbone = load_backbone(SPEC, "random")
    weights = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    tagger = build_tagger(backbone, LoRA(2, 2, 0.0, ["q_proj", "v_proj"], None), head, crf)
    save_bundle(Bundle.from_tagger(tagger, head, crf, {"name": "x"}), folder / "bundle")
    write_esm_folder(folder / "esm", SPEC, weights)
    names = dict.fromkeys(load_file(folder / "esm" / "model.safetensors"), "model.safetensors")
    index = {"metadata": {}, "weight_map": names}
    (folder / "esm" / "model.safetensors.index.json").write_text(json.dumps(index))
    export_adapter(read_bundle(folder / "bundle"), folder / "adapter")
    cfg = {"model": argparse.Namespace(layers=2)}
    torch.save({"cfg": cfg, "model": weights}, folder / "esm.pt")
    plain = {f"model_seq.esm2.{name}": tensor for name, tensor in weights.items()}
    frequencies = torch.tensor([1.0, 0.1, 0.01, 0.001])
    plain["model_seq.esm2.layers.0.self_attn.rot_emb.inv_freq"] = frequencies
    torch.save(plain, folder / "reference.pt")
    (folder / "out").mkdir()
    (folder / "out" / "prediction.json").write_text(json.dumps(RECORD))
    with closing(PredictionStore(folder / "out", {})) as store:
        region = Region("n", 1, 2)
        store.write([Prediction("P1", "SP", (0.0, 1.0, 0, 0, 0, 0), 2, 0.5, (region,), "MKL")] * 9)
    proteins = b">P1 first\nMKLAAV\n>P2\nMKLX*\n"
    (folder / "proteins.fasta").write_bytes(proteins)
    (folder / "proteins.fasta.gz").write_bytes(gzip.compress(proteins))
    (folder / "proteins.fasta.xz").write_bytes(lzma.compress(proteins))
    return folder


@pytest.fixture
def copy_of(whole, tmp_path, monkeypatch):
    folder = tmp_path / "files"
    shutil.copytree(whole, folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("pooch.retrieve", _offline)
    return folder


def _offline(*args, **kwargs):
    raise OSError("offline")


def takes_or_refuses(reader, folder, what):
    started = time.process_time()
    try:
        reader(folder)
    except PeftspError as error:
        message = str(error)
        assert len(message) < 1000, what
        assert all(c.isprintable() for c in message), (what, message)
    assert time.process_time() - started < SECONDS, what


def change_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        place = rng.randrange(max(1, len(data)))
        kind = rng.randrange(4)
        if kind == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[place : place + rng.choice([1, 8, 500])]
        elif kind == 2:
            data[place:place] = rng.choice(
                [b"\0" * 9, b"\xff\xfe", b"[" * 50, struct.pack("<q", -1)]
            )
        else:
            del data[place:]
    return bytes(data)


def change_tree(value, rng):
    """One value anywhere in JSON-compatible content becomes another one, or goes."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        if rng.random() < 0.15:
            del value[key]
        elif rng.random() < 0.1:
            value[rng.choice(["x", "\x1b[2J", "a" * 3000])] = value.pop(key)
        else:
            value[key] = change_tree(value[key], rng)
        return value
    if isinstance(value, list) and value and rng.random() < 0.5:
        place = rng.randrange(len(value))
        value[place] = change_tree(value[place], rng)
        return value
    return copy.deepcopy(rng.choice(VALUES))


@pytest.mark.parametrize("name", READERS)
def test_right_file_is_read(copy_of, name):
    if name != "reference.pt":
        READERS[name](copy_of)


@pytest.mark.parametrize("name", READERS)
def test_changed_bytes(copy_of, name, campaign):
    path, right = copy_of / name, (copy_of / name).read_bytes()
    for seed in range(25 * campaign):
        path.write_bytes(change_bytes(right, random.Random(seed)))
        takes_or_refuses(READERS[name], copy_of, (name, seed))


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".json")])
def test_changed_values(copy_of, name, campaign):
    path, right = copy_of / name, json.loads((copy_of / name).read_text())
    for seed in range(80 * campaign):
        changed = change_tree(copy.deepcopy(right), random.Random(seed))
        path.write_text(json.dumps(changed))
        takes_or_refuses(READERS[name], copy_of, (name, seed, path.read_text()[:3000]))
    for text in ("[" * 100_000, '{"a":' * 100_000, "NaN", '{"x": 1e999}', "", "\ufeff{}"):
        path.write_text(text)
        takes_or_refuses(READERS[name], copy_of, (name, text[:20]))


def test_changed_record_of_results_that_were_being_moved(copy_of, campaign):
    stage = copy_of / "out" / ".unfinished"
    for seed in range(80 * campaign):
        stage.mkdir()
        (stage / ".peftsp").touch()
        changed = change_tree(copy.deepcopy(RECORD), random.Random(seed))
        (stage / "prediction.json").write_text(json.dumps(changed))
        takes_or_refuses(read_run_record, copy_of, seed)
        shutil.rmtree(stage, ignore_errors=True)


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".safetensors")])
def test_changed_tensors(copy_of, name, campaign):
    path, right = copy_of / name, load_file(copy_of / name)
    for seed in range(25 * campaign):
        rng = random.Random(seed)
        changed = dict(right)
        changed[rng.choice([*right, "x", "layers.a.b", "\x1b"])] = rng.choice(TENSORS).clone()
        save_file(changed, path)
        takes_or_refuses(READERS[name], copy_of, (name, seed))


@pytest.mark.parametrize("name", ["esm.pt", "reference.pt"])
@pytest.mark.filterwarnings("ignore")
def test_changed_pickles(copy_of, name, campaign):
    path = copy_of / name
    right = torch.load(path, weights_only=False)
    for seed in range(40 * campaign):
        rng = random.Random(seed)
        changed = copy.copy(right)
        table = changed
        if name == "esm.pt" and rng.random() < 0.8:
            table = changed["model"] = dict(right["model"])
        key = rng.choice([*table, "x", 7, ("a",), "layers.99999999.fc1.weight", "layers.-1.x"])
        table[key] = rng.choice(PICKLED)
        torch.save(changed, path)
        takes_or_refuses(READERS[name], copy_of, (name, seed, key))


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file(copy_of, name):
    path = copy_of / name
    if READERS[name] is read_fasta:
        pytest.skip("a pipe is an input")
    path.unlink()
    takes_or_refuses(READERS[name], copy_of, "nothing")
    path.mkdir()
    takes_or_refuses(READERS[name], copy_of, "folder")
    path.rmdir()
    os.mkfifo(path)
    takes_or_refuses(READERS[name], copy_of, "pipe")
    path.unlink()
    path.symlink_to("/etc/passwd")
    takes_or_refuses(READERS[name], copy_of, "text")
