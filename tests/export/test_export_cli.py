import numpy as np
import pytest

from peftsp.export.cli import main
from peftsp.inference.commands.predict import main as predict
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fast", "-o", "model.txt"], "model.txt: expected a name that ends in .onnx"),
        (["fast", "-o", "there.onnx"], "there.onnx: expected no such file yet, found one"),
        (["absent", "-o", "new.onnx"], "absent: expected a bundle folder"),
        (["fast", "-o", "new.onnx", "--check", "absent.fasta"], "absent.fasta: expected a FASTA"),
        (["fast", "-o", "new.onnx", "--check", "genes.fna"], "genes.fna: expected protein"),
        (
            ["fast", "-o", "new.onnx", "--precision", "int8", "--calibrate", "genes.fna"],
            "genes.fna: expected protein sequences, found DNA or RNA",
        ),
        (
            ["fast", "-o", "new.onnx", "--precision", "int8", "--calibrate", "gone.fasta"],
            "gone.fasta: expected a FASTA",
        ),
        (
            ["fast", "-o", "new.onnx", "--calibrate", "own.fasta"],
            "--calibrate own.fasta: expected --precision int8 too, found fp32",
        ),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_text("the user's")
    (tmp_path / "genes.fna").write_text(">d\n" + 20 * "ACGT" + "\n")
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
