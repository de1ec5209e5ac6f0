import csv
import gzip
import io
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from peftsp.inference.commands.predict import main
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.formats.table import COLUMNS, table_row
from peftsp.labels import KINGDOMS
from peftsp.model.restore import load_taggers

REPOSITORY = Path(__file__).resolve().parents[3]
BATCH_SIZE = 2  # of `command`


def read_rows(folder):
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.reader(file))


def assert_same(rows, expected):
    """Equal but for the last digit of numbers, which other neighbours in a batch may round."""
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        for cell, wanted in zip(row, other, strict=True):
            if cell != wanted:
                assert float(cell) == pytest.approx(float(wanted), abs=2e-6)


def test_table_has_the_predictions_in_order(command, bundles, short_records, tmp_path, capsys):
    assert main(command) == 0
    header, *rows = read_rows(tmp_path / "out")
    assert header == list(COLUMNS)
    taggers = load_taggers(bundles[:1])
    assert_same(rows, [table_row(p) for p in predict_records(short_records, taggers, BATCH_SIZE)])
    summary = capsys.readouterr().out
    assert summary.count("\n") == 1
    assert "predicted 80 proteins" in summary
    for sp_type, number in Counter(row[1] for row in rows).items():
        assert f"{number} {sp_type}" in summary
    assert str(tmp_path / "out" / "predictions.csv") in summary


def test_second_run_writes_the_same_bytes(command, expected_table, tmp_path):
    for _ in range(2):
        assert main(command) == 0
        assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


def test_gzip_and_standard_input_give_the_same_table(
    command, fasta, expected_table, tmp_path, monkeypatch
):
    table = tmp_path / "out" / "predictions.csv"
    packed = tmp_path / "proteins.fasta.gz"
    packed.write_bytes(gzip.compress(fasta.read_bytes()))
    assert main([str(packed), *command[1:]]) == 0
    assert table.read_bytes() == expected_table
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(fasta.read_bytes())))
    assert main(["-", *command[1:]]) == 0
    assert table.read_bytes() == expected_table


@pytest.mark.parametrize(
    ("is_terminal", "extra", "has_bar"),
    [(True, [], True), (True, ["--no-progress"], False), (False, [], False)],
)
def test_progress_shows_on_terminals(command, monkeypatch, capsys, is_terminal, extra, has_bar):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert main([*command, *extra]) == 0
    shown = capsys.readouterr().err
    last = r"predicting: 100%\|█+\|, 80 proteins \["
    assert bool(re.search(last, shown)) == has_bar
    assert bool(shown) == has_bar


def test_several_bundles_are_averaged(command, bundles, short_records, tmp_path):
    assert main([*command, "-b", str(bundles[1])]) == 0
    expected = predict_records(short_records, load_taggers(bundles), BATCH_SIZE)
    assert_same(read_rows(tmp_path / "out")[1:], [table_row(p) for p in expected])


def test_kingdom_reaches_models_that_use_it(command, save_tiny_bundle, tmp_path, capsys):
    bundle = save_tiny_bundle(tmp_path / "kingdoms", kingdom_embedding=4)
    command[command.index("--bundle") + 1] = str(bundle)
    tables = set()
    for kingdom in (None, *KINGDOMS):
        assert main([*command, *(["--kingdom", kingdom.lower()] if kingdom else [])]) == 0
        tables.add((tmp_path / "out" / "predictions.csv").read_bytes())
    assert len(tables) == len(KINGDOMS) + 1
    assert capsys.readouterr().err == ""


def test_former_name_of_the_kingdom_is_taken(command, tmp_path, capsys):
    assert main([*command, "--kingdom", "eukarya"]) == 0
    table = (tmp_path / "out" / "predictions.csv").read_bytes()
    assert capsys.readouterr().err == ""
    assert main([*command, "--organism", "Eukarya"]) == 0
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == table
    assert capsys.readouterr().err == "--organism is called --kingdom now\n"
    with pytest.raises(SystemExit):
        main([*command, "--organism", "yeast"])


def test_kingdom_without_use_is_said(command, expected_table, tmp_path, capsys):
    assert main([*command, "--kingdom", "archaea"]) == 0
    assert "--kingdom archaea changes nothing" in capsys.readouterr().err
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--bundle", "nowhere", "nowhere: expected a bundle folder with config.json in it"),
        ("--backbone", "nowhere.pt", "nowhere.pt: expected a fair-esm .pt file or an EsmModel"),
        ("--output", __file__, "expected a folder, found a file"),
        ("--device", "mps", "device mps: expected such a device in this machine, found none"),
    ],
)
def test_wrong_setting_is_one_line_and_status_2(command, capsys, option, value, message):
    if torch.backends.mps.is_available() and value == "mps":
        pytest.skip("this machine has such a device")
    if option == "--bundle":
        command[command.index("--bundle") + 1] = value
    assert main([*command, option, value]) == 2
    found = capsys.readouterr().err
    assert message in found
    assert found.count("\n") == 1


@pytest.mark.parametrize("fasta_name", ["nowhere.fasta", "."])
def test_input_that_is_no_file_is_an_error(command, tmp_path, capsys, fasta_name):
    command[0] = str(tmp_path / fasta_name)
    assert main(command) == 2
    assert capsys.readouterr().err.startswith(f"{command[0]}: expected a FASTA file")


@pytest.mark.parametrize("number", ["0", "-3", "2.5", "many"])
@pytest.mark.parametrize("option", ["--batch-size", "--threads"])
def test_number_below_one_is_refused(command, capsys, option, number):
    assert main([*command, option, number]) == 2
    name = option.removeprefix("--").replace("-", " ")
    found = repr(number) if number == "many" else number
    expected = f"{name}: expected a whole number of 1 or more, found {found}\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("option", "value"), [("--formats", ""), ("--formats", " , "), ("--output", "")]
)
def test_nothing_is_no_choice(command, capsys, option, value):
    try:
        status = main([*command, option, value])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert "expected" in capsys.readouterr().err


def modules_after(code, *argv):
    """What a fresh interpreter has imported after running some code."""
    report = f"import sys, runpy\n{code}\nprint('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", report, *argv],
        check=True,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    return done.stdout, set(done.stdout.rpartition("MODULES")[2].split())


def test_help_comes_without_heavy_imports():
    code = "try: runpy.run_path('predict.py', run_name='__main__')\nexcept SystemExit: pass"
    output, modules = modules_after(code, "--help")
    assert "--bundle DIR" in output
    assert "examples:" in output
    assert not modules & {"torch", "numpy", "lightning", "hydra", "wandb"}
