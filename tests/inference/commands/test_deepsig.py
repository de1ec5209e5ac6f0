"""What programs that call DeepSig find in our files, with the model that ships."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from peftsp.inference.commands.deepsig import main
from peftsp.inference.compute.api import predict

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "proteins.fasta"


def bakta_peptides(path):
    """First and last residue and score of each signal peptide, as Bakta reads them.

    It splits every line into just nine columns, takes the rows of the feature ``Signal peptide``,
    positions as whole numbers and the score as a number.
    """
    found = {}
    for line in path.read_text().splitlines():
        name, _tool, feature, start, stop, score, _, _, _description = line.split("\t")
        if feature == "Signal peptide":
            found[name] = int(start), int(stop), float(score)
    return found


@pytest.mark.parametrize("kingdom", ["gramn", "gramp", "euk"])
def test_bakta_finds_the_signal_peptides(tmp_path, kingdom):
    out = tmp_path / "deepsig.gff3"
    words = ["-f", str(EXAMPLES), "-o", str(out), "-k", kingdom, "-m", "gff3", "-t", "1"]
    assert main(words) == 0
    kingdom = {"gramn": "negative", "gramp": "positive", "euk": "eukarya"}[kingdom]
    expected = {
        p.identifier: (1, p.cleavage_site, pytest.approx(p.probability, abs=0.006))
        for p in predict(EXAMPLES, kingdom=kingdom)
        if p.cleavage_site
    }
    assert bakta_peptides(out) == expected
    assert len(expected) >= 4
    rows = [line.split("\t") for line in out.read_text().splitlines()]
    assert {row[2] for row in rows} == {"Signal peptide", "Chain"}
    assert {row[8] for row in rows} == {"evidence=ECO:0000256"}
    assert {path.name for path in tmp_path.iterdir()} == {"deepsig.gff3"}


def test_json_has_the_same(tmp_path):
    words = ["-f", str(EXAMPLES), "-k", "gramn", "-t", "1"]
    assert main([*words, "-o", str(tmp_path / "a"), "-m", "gff3"]) == 0
    assert main([*words, "-o", str(tmp_path / "b"), "-m", "json"]) == 0
    ends = {
        entry["accession"]: feature["end"]
        for entry in json.loads((tmp_path / "b").read_text())
        for feature in entry["features"]
        if feature["type"] == "SIGNAL"
    }
    assert ends == {name: stop for name, (_, stop, _) in bakta_peptides(tmp_path / "a").items()}


def test_input_is_not_written_over(tmp_path, capsys):
    path = tmp_path / "p.fasta"
    path.write_text(EXAMPLES.read_text())
    assert main(["-f", str(path), "-o", str(path), "-k", "euk"]) == 2
    assert "expected another file than the input" in capsys.readouterr().err
    assert path.read_text() == EXAMPLES.read_text()


def test_wrong_input_writes_nothing(tmp_path, capsys):
    path = tmp_path / "p.fasta"
    path.write_text("no fasta\n")
    assert main(["-f", str(path), "-o", str(tmp_path / "out"), "-k", "euk"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_a_killed_run_left_is_in_no_way(tmp_path):
    (tmp_path / ".a.partial").write_text("half")
    words = ["-f", str(EXAMPLES), "-k", "gramn", "-t", "1", "-o", str(tmp_path / "a"), "-m", "gff3"]
    assert main(words) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_standard_output_may_take_the_results(tmp_path):
    words = ["-f", str(EXAMPLES), "-o", "/dev/stdout", "-k", "gramn", "-t", "1"]
    code = "import sys; from peftsp.inference.commands.deepsig import main; sys.exit(main())"
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", code, *words], stdout=out, check=True)
    lines = (tmp_path / "out").read_text().splitlines()
    assert lines
    assert {line.count("\t") for line in lines} == {8}
