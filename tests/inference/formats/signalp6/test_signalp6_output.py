"""The set as files, through the registry."""

import json
from pathlib import Path

import pytest

from peftsp.inference.formats.registry import FORMATS, find_formats, write_formats
from peftsp.inference.formats.signalp6.output import SIGNALP6, signalp6_output
from peftsp.inference.formats.signalp6.request import Request

FILES = {
    *("prediction_results.txt", "output.gff3", "region_output.gff3"),
    *("processed_entries.fasta", "output.json"),
}


def test_set_has_its_files(predictions, facts, tmp_path):
    written = write_formats(
        find_formats(["signalp6"]), lambda: iter(predictions), tmp_path, facts()
    )
    assert {path.name for path in written} == FILES == set(FORMATS["signalp6"].targets)
    assert len((tmp_path / "prediction_results.txt").read_text().splitlines()) == 9
    assert len((tmp_path / "output.gff3").read_text().splitlines()) == 6
    assert (tmp_path / "processed_entries.fasta").read_text().count(">") == 5
    assert len(json.loads((tmp_path / "output.json").read_text())["SEQUENCES"]) == 7


def test_plots_lie_where_the_json_file_says(predictions, facts, tmp_path):
    choice = signalp6_output(Request("txt"))
    assert choice.needs_region_probabilities
    assert not SIGNALP6.needs_region_probabilities
    twice = [*predictions[1:2], *predictions[1:]]
    choice.write(lambda: iter(twice), tmp_path, facts())
    entries = json.loads((tmp_path / "output.json").read_text())["SEQUENCES"].values()
    for entry in entries:
        place = Path(entry["Plot_txt"])
        assert place.parent == Path("out")
        assert (tmp_path / place.name).read_text().startswith(f"# Name={entry['Name']}\n")
    assert len(list(tmp_path.glob("output_*_plot.txt"))) == len(entries) + 1


@pytest.mark.parametrize("size", [1, 5000])
def test_set_is_written_without_holding_the_proteins(predictions, facts, tmp_path, size):
    alive = []

    def read():
        for _ in range(size):
            yield predictions[1]
            alive.append(len(alive))

    SIGNALP6.write(read, tmp_path, facts())
    assert len(alive) == size, "read once"
