"""The command with SignalP 6.0's options."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from peftsp.inference.commands.signalp6 import main
from peftsp.inference.compute.pipeline import Options, predict_records
from peftsp.model.restore import load_taggers

REPOSITORY = Path(__file__).resolve().parents[3]
FILES = {
    *("prediction_results.txt", "output.gff3", "region_output.gff3"),
    *("processed_entries.fasta", "output.json", "output.md", "prediction.json"),
}


@pytest.fixture
def command(fasta, bundles, tmp_path):
    """Arguments of a run without plots into the folder ``out``."""
    return [
        *("--fastafile", str(fasta), "--output_dir", str(tmp_path / "out")),
        *("--model_dir", str(bundles[0]), "--format", "none", "--torch_num_threads", "1"),
    ]


def rows_of(folder):
    lines = (folder / "prediction_results.txt").read_text().splitlines()
    return [line.split("\t") for line in lines[2:]]


def test_files_and_rows(command, bundles, short_records, tmp_path, capsys):
    assert main(command) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    found = list(predict_records(short_records, load_taggers(bundles[:1]), 64))
    assert [row[0] for row in rows_of(tmp_path / "out")] == [p.header for p in found]
    assert [row[1].replace("OTHER", "NO_SP") for row in rows_of(tmp_path / "out")] == [
        prediction.sp_type for prediction in found
    ]
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.count("\n") == 1
    assert output.out.endswith(f"see {tmp_path / 'out'}\n")


@pytest.mark.parametrize(
    "spelling",
    [
        ["-ff", "{fasta}", "-od", "{out}", "-org", "euk", "-fmt", "none", "-md", "{bundle}"],
        ["-fasta", "{fasta}", "-od", "{out}", "-org", "EUK", "-format", "none", "-md", "{bundle}"],
        [
            *("--fastafile={fasta}", "--output_dir={out}", "--organism=eukarya", "--format=none"),
            *("--model_dir={bundle}", "--bsize=10", "--write_procs=2", "--torch_num_threads=1"),
        ],
        [
            *("-ff", "{fasta}", "-od", "{out}", "-org", "euk", "-f", "none", "-md", "{bundle}"),
            *("-bs", "10", "-wp", "1", "-tt", "1"),
        ],
    ],
)
def test_every_spelling_gives_the_same(spelling, fasta, bundles, short_records, tmp_path, capsys):
    out = tmp_path / "out"
    words = [word.format(fasta=fasta, out=out, bundle=bundles[0]) for word in spelling]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    options = Options(kingdom=0, sums_types=True)
    found = predict_records(short_records, load_taggers(bundles[:1]), 64, options=options)
    assert [(row[1].replace("OTHER", "NO_SP"), len(row)) for row in rows_of(out)] == [
        (prediction.sp_type, 5) for prediction in found
    ]


@pytest.mark.parametrize(
    ("words", "plots"),
    [(["--format", "txt"], 80), ([], 80), (["--format"], 80), (["--format", "none"], 0)],
)
def test_plots_are_numbers_unless_told_otherwise(command, tmp_path, words, plots):
    place = command.index("--format")
    assert main([*command[:place], *command[place + 2 :], *words]) == 0
    assert len(list((tmp_path / "out").glob("output_*_plot.txt"))) == plots
    written = json.loads((tmp_path / "out" / "output.json").read_text())
    assert written["FORMAT"] == ("txt" if plots else "none")


@pytest.mark.parametrize("mode", ["fast", "slow", "slow-sequential"])
def test_mode_is_written_down(command, tmp_path, capsys, mode):
    assert main([*command, "-m", mode, "--skip_resolve"]) == 0
    assert capsys.readouterr().err == "without effect: --skip_resolve\n"
    assert json.loads((tmp_path / "out" / "output.json").read_text())["MODE"] == mode


def test_mode_is_that_of_the_default_model_unless_told_otherwise(command, tmp_path):
    place = command.index("--model_dir")
    assert main([*command[:place], *command[place + 2 :]]) == 0
    assert json.loads((tmp_path / "out" / "output.json").read_text())["MODE"] == "slow"


def test_paths_in_the_json_file_are_as_given(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command[command.index("--output_dir") + 1] = "some/where"
    assert main(command) == 0
    written = json.loads(Path("some/where/output.json").read_text())
    for key in ("CSV_FILE", "MATURE_FILE", "GFF_FILE", "REGION_GFF_FILE"):
        assert written[key].startswith("some/where/")
        assert Path(written[key]).is_file()


def test_folder_without_a_bundle_is_refused(command, tmp_path, capsys):
    command[command.index("--model_dir") + 1] = str(tmp_path)
    assert main(command) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"--model_dir {tmp_path}: expected a peftsp bundle with config.json")
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_wrong_input_is_one_line_and_status_2(command, tmp_path, capsys):
    command[1] = str(tmp_path / "nowhere.fasta")
    assert main(command) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"{command[1]}: expected a FASTA file")
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--organism", "archaea"], ["--format", "pdf"], ["--mode", "quick"]]
)
def test_unknown_choice_is_refused(command, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command, *words])


def test_number_below_one_is_refused(command, capsys):
    assert main([*command, "--bsize", "0"]) == 2
    expected = "batch size: expected a whole number of 1 or more, found 0\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("missing", ["--fastafile", "--output_dir"])
def test_input_and_folder_are_required(command, missing, capsys):
    place = command.index(missing)
    with pytest.raises(SystemExit, match="2"):
        main([*command[:place], *command[place + 2 :]])
    assert missing in capsys.readouterr().err


def test_help_comes_without_heavy_imports():
    code = "import sys, peftsp.inference.commands.signalp6; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    assert not {"torch", "numpy", "matplotlib"} & set(done.stdout.split())
