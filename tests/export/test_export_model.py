"""Graphs of models: they predict what the bundles do, from any language, and say what they are."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxscript import ir

from peftsp.errors import ConfigError
from peftsp.export.model import describe, export_model, save_model
from peftsp.inference.commands.predict import main as predict
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers

DOCS = Path(__file__).resolve().parents[2] / "docs" / "onnx.md"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(bundles, tmp_path_factory):
    """A graph of two models."""
    path = tmp_path_factory.mktemp("graphs") / "both.onnx"
    save_model(export_model(bundles), path)
    return path


@pytest.mark.parametrize(("kingdom", "sums_types"), [(-1, False), (0, True), (3, False)])
def test_graph_of_two_models_predicts_what_they_do(both, bundles, records, kingdom, sums_types):
    options = Options(kingdom, sums_types, has_region_probabilities=True, has_peptide_regions=True)
    ours = predict_records(records, OnnxModel(both, 1), 7, options=options)
    theirs = predict_records(records, load_taggers(bundles), 5, options=options)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.sp_type, one.cleavage_site) == (other.sp_type, other.cleavage_site)
        assert (one.regions, one.motifs) == (other.regions, other.motifs)
        assert one.cleavage_site_probability == pytest.approx(
            other.cleavage_site_probability, abs=1e-5
        )
        for name in ("probabilities", "region_probabilities", "peptide_regions"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5)


def test_graph_says_what_it_is(both, bundles):
    onnx.checker.check_model(both, full_check=True)
    about = OnnxModel(both, 1).about
    assert [bundle["name"] for bundle in about["bundles"]] == ["lora", "prompt"]
    config = json.loads((bundles[0] / "config.json").read_text())
    config["training"].pop("proteins", None)
    assert about["bundles"][0]["config"] == config


def test_command_predicts_with_a_graph(both, bundles, fasta, tmp_path):
    rows = []
    for name, chosen in (("graph", [both]), ("torch", bundles)):
        places = [argument for path in chosen for argument in ("--bundle", str(path))]
        assert predict([str(fasta), "-o", str(tmp_path / name), *places]) == 0
        rows.append((tmp_path / name / "predictions.csv").read_text().splitlines())
    assert [row.split(",")[:2] for row in rows[0]] == [row.split(",")[:2] for row in rows[1]]


def test_graph_says_nothing_of_the_machine_that_wrote_it(both):
    assert b".py" not in both.read_bytes()


def test_large_weights_go_to_a_file_beside(both, tmp_path, records):
    graph = tmp_path / "large.onnx"
    save_model(ir.load(both), graph, most_bytes=0)
    assert (tmp_path / "large.onnx.data").is_file()
    assert graph.stat().st_size < both.stat().st_size
    assert len(list(predict_records(records, OnnxModel(graph, 1), 8))) == len(records)


def test_documented_lines_of_python_predict_the_same(both, bundles, fasta, records):
    command = [sys.executable, "-c", documented("python"), str(both), str(fasta)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = [line.split("\t") for line in done.stdout.splitlines()]
    whole = [record for record in records if len(record.residues) >= 70]
    assert [row[0] for row in found] == [record.header for record in records]
    for row, exact in zip(found, predict_records(whole, load_taggers(bundles), 5), strict=False):
        assert row[1] == exact.sp_type
        assert float(row[2]) == pytest.approx(exact.probability, abs=1e-4)
        assert int(row[3]) == (exact.cleavage_site or -1)


def documented(language):
    """The program of docs/onnx.md in a language."""
    [code] = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)
    return code


def r_command(folder):
    if not shutil.which("Rscript"):
        pytest.skip("needs R and its package reticulate")
    (folder / "predict.R").write_text(documented("r"))
    return ["Rscript", str(folder / "predict.R")]


def cpp_command(folder):
    root = os.environ.get("ONNXRUNTIME_HOME")
    if not (root and shutil.which("g++")):
        pytest.skip("needs g++ and, at $ONNXRUNTIME_HOME, a release of ONNX Runtime")
    (folder / "predict.cpp").write_text(documented("cpp"))
    options = [f"-I{root}/include", f"-L{root}/lib", "-lonnxruntime", f"-Wl,-rpath,{root}/lib"]
    program = str(folder / "predict")
    subprocess.run(
        ["g++", "-std=c++17", str(folder / "predict.cpp"), *options, "-o", program], check=True
    )
    return [program]


@pytest.mark.parametrize("command_in", [r_command, cpp_command])
def test_documented_programs_of_other_languages_predict(
    command_in, both, bundles, records, tmp_path
):
    command = [*command_in(tmp_path), str(both), *(record.residues for record in records)]
    env = {**os.environ, "RETICULATE_PYTHON": sys.executable}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    whole = [len(record.residues) >= 70 for record in records]
    predicted = predict_records(records, load_taggers(bundles), 5)
    for line, exact, is_whole in zip(done.stdout.splitlines(), predicted, whole, strict=True):
        sp_type, probability, site = line.split()
        if is_whole:  # shorter ones are predicted with more doubt than a graph has
            assert sp_type == exact.sp_type
            assert float(probability) == pytest.approx(exact.probability, abs=1e-4)
            assert int(site) == (exact.cleavage_site or -1)


def test_description_tells_bundles_by_their_content(bundles, tmp_path):
    copy = shutil.copytree(bundles[0], tmp_path / "copy")
    (copy / "LICENSE").write_text("free")
    (copy / "README.md").unlink(missing_ok=True)
    config = json.loads((copy / "config.json").read_text())
    proteins = {"training": {**config["training"], "proteins": "abcdefgh", "fold": 3}}
    (copy / "config.json").write_text(json.dumps({**config, **proteins}))
    about = json.loads(json.dumps(describe([copy, bundles[1]], "int8")))
    assert about["precision"] == "int8"
    first, second = about["bundles"]
    assert (first["name"], second["name"]) == ("copy", "prompt")
    assert (first["card"], first["licence"]) == (None, "free")
    assert first["config"]["training"] == {**config["training"], "fold": 3}
    for bundle, folder in ((first, copy), (second, bundles[1])):
        for name in ("config.json", "weights.safetensors"):
            content = (folder / name).read_bytes()
            assert bundle["sha256"][name] == hashlib.sha256(content).hexdigest()


def test_quantized_backbone_is_refused(bundles, tmp_path):
    pytest.importorskip("bitsandbytes")
    copy = shutil.copytree(bundles[0], tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config["backbone"]["quantization"] = "nf4"
    (copy / "config.json").write_text(json.dumps(config))
    message = "^export: expected bundles trained without backbone.quantization, found nf4$"
    with pytest.raises(ConfigError, match=message):
        export_model([copy])
