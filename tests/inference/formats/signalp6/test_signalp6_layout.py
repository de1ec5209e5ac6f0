"""The set against what SignalP 6.0 itself wrote: the same layout, other numbers."""

import json
import re

import pytest

from peftsp.inference.commands.signalp6 import main


@pytest.fixture(scope="module")
def folders(shared, tmp_path_factory):
    """Folders of theirs and of ours, of the same proteins and options."""
    theirs = shared / "golden" / "signalp6_output"
    if not theirs.is_dir():
        pytest.skip("there is no recorded output of SignalP 6.0")
    ours = tmp_path_factory.mktemp("ours")
    words = ["-ff", theirs / "input.fasta", "-od", ours, "-org", "euk", "-fmt", "txt", "-tt", "1"]
    assert main([*map(str, words)]) == 0
    return theirs, ours


def shape(text):
    """A text with what a model decides left out: numbers by their digits, types, labels."""
    text = re.sub(r"(?<=\t)[NHCO](?=\t)", "?", text)
    text = re.sub(r"\d+\.(\d+)", lambda found: "#." + "d" * len(found[1]), text)
    return re.sub(r"Timestamp: \d{14}", "Timestamp", text)


def columns_of(row):
    """A feature without its protein; now and then a score of theirs has a digit more."""
    row = re.sub(r"\t\d+(?=\t)", "\t0", shape(row)).replace("d" * 8, "d" * 7)
    return row.partition("\t")[2]


def test_files_have_their_names(folders):
    theirs, ours = ({path.name for path in folder.iterdir()} for folder in folders)
    assert theirs - {"README.md", "input.fasta"} <= ours


def test_plots_have_their_rows_and_columns(folders):
    theirs, ours = folders
    for path in theirs.glob("*_plot.txt"):
        assert shape((ours / path.name).read_text()) == shape(path.read_text())


def test_features_have_their_columns(folders):
    names = ("output.gff3", "region_output.gff3")
    for theirs, ours in ([(f / name).read_text().splitlines() for f in folders] for name in names):
        assert ours[0] == theirs[0]
        assert {columns_of(row) for row in ours[1:]} == {columns_of(row) for row in theirs[1:]}


def test_page_has_their_lines(folders):
    """But for the values, the sentence of a cut, and the rule that the values set the width of."""
    theirs, ours = ((folder / "output.md").read_text() for folder in folders)
    heading = theirs.partition("#### ")[0]
    assert ours.startswith(heading)

    def known(text):
        text = re.sub(r"Cleavage site between pos.*", "", text)
        text = re.sub(r"(?m)^\| Likelihood .*", lambda line: f"{len(line[0])} wide", text)
        return re.sub(r"\*\*Prediction:\*\* .*", "", text)

    assert known(ours) == known(theirs)


def test_summary_has_their_keys_in_order(folders):
    theirs, ours = (json.loads((folder / "output.json").read_text()) for folder in folders)
    assert list(ours) == list(theirs)
    assert list(ours["SEQUENCES"]) == list(theirs["SEQUENCES"])
    for name, entry in ours["SEQUENCES"].items():
        assert list(entry) == list(theirs["SEQUENCES"][name])
