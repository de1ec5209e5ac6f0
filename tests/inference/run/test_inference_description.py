import json
import os
import shutil

import pytest

from peftsp.inference.commands.predict import main
from peftsp.inference.compute.options import ModelSettings, Options
from peftsp.inference.run.description import fingerprint_run
from peftsp.model.bundle_files import hash_bundle
from peftsp.model.shipped import find_model


@pytest.fixture
def bundle(bundles, tmp_path):
    return shutil.copytree(bundles[0], tmp_path / "bundle")


def fingerprint(inputs, bundles, options, **settings):
    return fingerprint_run(inputs, ModelSettings(tuple(bundles), **settings), options)


def test_same_run_has_the_same_fingerprint(fasta, bundle, tmp_path, monkeypatch):
    expected = fingerprint([fasta], [bundle], Options())
    moved = bundle.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    found = fingerprint([fasta.relative_to(tmp_path)], [moved], Options())
    assert found == expected == json.loads(json.dumps(expected))


def test_what_changes_the_rows_changes_the_fingerprint(fasta, bundle, bundles):
    fingerprints = [
        fingerprint([fasta], [bundle], Options()),
        fingerprint([fasta], [bundle], Options(kingdom=0)),
        fingerprint([fasta], [bundle], Options(sums_types=True)),
        fingerprint([fasta], [bundle], Options(min_probability=0.5)),
        fingerprint([fasta], [bundle], Options(has_region_probabilities=True)),
        fingerprint([fasta], [bundles[1]], Options()),
        fingerprint([fasta], [bundle, bundles[1]], Options()),
    ]
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint([fasta], [bundle], Options()))
    fasta.write_text(">a\nM\n")
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint([fasta], [bundle], Options()))
    (bundle / "config.json").write_text("{}")
    fingerprints.append(fingerprint([fasta], [bundle], Options()))
    assert len({json.dumps(fingerprint) for fingerprint in fingerprints}) == len(fingerprints)


def test_int8_of_another_runtime_is_another_run(fasta):
    accurate = [find_model("accurate")]
    options = Options(precision="int8")
    of_torch = fingerprint([fasta], accurate, options, precision="int8", runtime="torch")
    of_graph = fingerprint([fasta], accurate, options, precision="int8", runtime="onnx")
    assert of_torch != of_graph
    assert of_torch["bundles"] == of_graph["bundles"]
    assert of_torch["graph"] is None
    assert list(of_graph["graph"]) == ["graph_int8.onnx"]


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_run_says_what_computed(fasta, tmp_path, runtime):
    arguments = ["--runtime", runtime, "--device", "cpu", "-o", str(tmp_path / "out")]
    assert main([str(fasta), "--model", "fast", *arguments]) == 0
    record = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert record["device"] == "cpu"
    graph = find_model("fast") / "graph.onnx"
    expected = {"path": str(graph), "sha256": hash_bundle(graph)}
    assert record["graph"] == (expected if runtime == "onnx" else None)
