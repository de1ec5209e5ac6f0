"""Runs that stop midway: what they leave, and how they go on."""

import os

import pytest

import peftsp.inference.compute.predictor
from peftsp.inference.commands.predict import main
from peftsp.inference.compute.pipeline import predict_records

WINDOW = 16


def stop_after(monkeypatch, proteins):
    """Make a run end as if Ctrl-C were pressed after some proteins."""

    def interrupted(*args):
        for index, prediction in enumerate(predict_records(*args)):
            if index == proteins:
                raise KeyboardInterrupt
            yield prediction

    monkeypatch.setattr(peftsp.inference.compute.predictor, "predict_records", interrupted)


def test_interrupted_run_leaves_no_table_and_resumes(
    command, expected_table, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    assert main(command) == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 50)
        assert main(command) == 130
    assert "the same command resumes it" in capsys.readouterr().err
    assert (out / "predictions.csv").read_bytes() == expected_table
    assert (out / "predictions.partial").read_bytes().count(b"\n") == 1 + 48
    assert main(command) == 0
    output = capsys.readouterr()
    assert output.err == "resuming after 48 proteins\n"
    assert "predicted 32 proteins" in output.out
    assert "of 80 in all:" in output.out
    assert {path.name for path in out.iterdir()} == {"predictions.csv", "prediction.json"}
    assert (out / "predictions.csv").read_bytes() == expected_table


@pytest.mark.parametrize("share", [0.0, 0.002, 0.1, 0.33, 0.5, 0.77, 0.999, 1.0])
def test_run_cut_anywhere_resumes_to_the_same_bytes(
    command, expected_table, tmp_path, monkeypatch, share
):
    with monkeypatch.context() as patch:
        stop_after(patch, 79)
        main(command)
    partial = tmp_path / "out" / "predictions.partial"
    whole = partial.read_bytes()
    partial.write_bytes(whole[: int(share * len(whole))])
    assert main(command) == 0
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


@pytest.mark.parametrize("change", ["fresh", "bundle", "kingdom", "input"])
def test_run_with_other_rows_starts_anew(command, bundles, fasta, monkeypatch, capsys, change):
    with monkeypatch.context() as patch:
        stop_after(patch, 50)
        main(command)
    if change == "input":
        fasta.write_text(fasta.read_text() + ">last\nMKL\n")
    extra = {
        "fresh": ["--fresh"],
        "bundle": ["-b", str(bundles[1])],
        "kingdom": ["--kingdom", "eukarya"],
        "input": [],
    }
    capsys.readouterr()
    assert main([*command, *extra[change]]) == 0
    said = capsys.readouterr().err
    assert "resuming" not in said
    dropped = "48 predictions of an interrupted run with another input or other settings are dropp"
    assert (dropped in said) == (change != "fresh")


def test_killed_run_resumes_to_the_same_bytes(
    command, expected_table, tmp_path, capsys, run_killed
):
    killed = run_killed("predictor", "predict_records", command)
    assert killed.returncode == -9
    assert not (tmp_path / "out" / "predictions.csv").exists()
    assert main(command) == 0
    assert "resuming after 48 proteins" in capsys.readouterr().err
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


def test_wrong_record_ends_the_run_and_leaves_the_rows_before_it(command, fasta, tmp_path, capsys):
    lines = fasta.read_text().splitlines()
    lines[101] = "MKL1"
    fasta.write_text("\n".join(lines))
    assert main([*command, "--strict"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert message.startswith(f"{fasta}:102: expected residues A to Z, found '1'")
    kept = (tmp_path / "out" / "predictions.partial").read_bytes()
    assert kept.count(b"\n") == 1 + 3 * WINDOW


def test_wrong_input_leaves_an_earlier_table_alone(command, fasta, tmp_path, capsys):
    assert main(command) == 0
    fasta.write_text("")
    assert main(command) == 2
    assert capsys.readouterr().err == f"{fasta}: expected FASTA records, found none\n"
    assert (tmp_path / "out" / "predictions.csv").exists()


def test_input_replaced_by_another_of_its_size_and_time_is_not_resumed_into(
    command, fasta, tmp_path, monkeypatch, capsys
):
    status = fasta.stat()
    with monkeypatch.context() as patch:
        stop_after(patch, 50)
        main(command)
    lines = fasta.read_text().splitlines()
    lines[3] = lines[3][::-1] if lines[3] != lines[3][::-1] else "W" * len(lines[3])
    fasta.write_text("\n".join(lines) + "\n")
    os.utime(fasta, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "expected the input of the interrupted run, found another one from the protein p1" in (
        message
    )
    assert main([*command, "--fresh"]) == 0


@pytest.mark.parametrize(
    ("name", "result"), [("csv", "predictions.csv"), ("png", "figures_png"), ("csv", "skipped.tsv")]
)
def test_what_is_in_the_way_shows_before_a_model_is_loaded(
    fasta, bundles, tmp_path, monkeypatch, capsys, name, result
):
    monkeypatch.setattr(
        peftsp.inference.compute.predictor.Predictor,
        "load",
        lambda _: pytest.fail("a model was loaded"),
    )
    (tmp_path / result).write_text("mine")
    arguments = ["--bundle", str(bundles[0]), "--formats", name, "-o", str(tmp_path)]
    assert main([str(fasta), *arguments]) == 2
    assert f"{tmp_path / result}: expected nothing there" in capsys.readouterr().err
    assert (tmp_path / result).read_text() == "mine"
