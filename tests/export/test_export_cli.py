import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxscript import ir

from peftsp.export.cli import main
from peftsp.export.model import export_model, save_model
from peftsp.inference.commands.predict import main as predict
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers
from peftsp.records import SequenceRecord

DOCS = Path(__file__).resolve().parents[2] / "docs" / "onnx.md"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records():
    rng = random.Random(0)
    lengths = [70, 200, *range(4, 70, 3)]
    letters = "ACDEFGHIKLMNPQRSTVWYX"
    return [
        SequenceRecord(f"p{number}", "".join(rng.choices(letters, k=length)))
        for number, length in enumerate(lengths)
    ]


@pytest.fixture(scope="module")
def fasta(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("fasta") / "proteins.fasta"
    path.write_text("".join(f">{record.header}\n{record.residues}\n" for record in records))
    return path


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


def test_int8_graph_is_near_and_does_not_depend_on_neighbours(
    bundles, fasta, records, tmp_path, capsys
):
    graph = tmp_path / "prompt.onnx"
    command = [str(bundles[1]), "-o", str(graph), "--precision", "int8", "--check", str(fasta)]
    assert main(command) == 0
    assert f"{len(records)} proteins: probabilities differ by at most" in capsys.readouterr().out
    model = OnnxModel(graph, 1)
    alone, together = (list(predict_records(records, model, size)) for size in (1, 20))
    exact = predict_records(records, load_taggers(bundles[1:]), 5)
    for one, other, third in zip(alone, together, exact, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
        np.testing.assert_allclose(one.probabilities, third.probabilities, atol=0.1)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fast", "-o", "model.txt"], "model.txt: expected a name that ends in .onnx"),
        (["fast", "-o", "there.onnx"], "there.onnx: expected no such file yet, found one"),
        (["absent", "-o", "new.onnx"], "absent: expected a bundle folder"),
        (["fast", "-o", "new.onnx", "--check", "absent.fasta"], "absent.fasta: expected a FASTA"),
        (["fast", "-o", "new.onnx", "--calibrate", "gone.fasta"], "gone.fasta: expected a FASTA"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_text("the user's")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1
    assert (tmp_path / "there.onnx").read_text() == "the user's"
    assert not (tmp_path / "new.onnx").exists()


def test_graph_that_could_not_be_checked_is_not_left(bundles, tmp_path, capsys):
    wrong = tmp_path / "wrong.fasta"
    wrong.write_text("MKL\n")
    graph = tmp_path / "new.onnx"
    assert main([str(bundles[0]), "-o", str(graph), "--check", str(wrong)]) == 2
    assert f"{wrong}:1: expected a header" in capsys.readouterr().err
    assert not graph.exists()


def test_file_that_is_no_graph_is_refused(tmp_path, fasta, capsys):
    path = tmp_path / "wrong.onnx"
    path.write_bytes(b"no graph")
    assert predict([str(fasta), "--bundle", str(path), "-o", str(tmp_path / "out")]) == 2
    assert f"{path}: expected a graph of peftsp-export" in capsys.readouterr().err


def test_what_fails_leaves_nothing(bundles, fasta, tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("peftsp.export.check.compare", fail)
    command = [str(bundles[0]), "-o", str(tmp_path / "graph.onnx"), "--check", str(fasta)]
    assert main(command) == 130
    assert not list(tmp_path.iterdir())
