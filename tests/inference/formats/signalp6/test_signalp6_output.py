"""The set as files, through the registry."""

import json
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path

from peftsp.inference.formats.registry import find_formats
from peftsp.inference.formats.signalp6.output import SIGNALP6, signalp6_output
from peftsp.inference.formats.signalp6.plots import Request

FILES = {
    *("prediction_results.txt", "output.gff3", "region_output.gff3"),
    *("processed_entries.fasta", "output.json", "output.md"),
}


def test_set_has_its_files(predictions, facts, tmp_path):
    (choice,) = find_formats(["signalp6"])
    choice.write(lambda: iter(predictions), tmp_path, facts())
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert len((tmp_path / "prediction_results.txt").read_text().splitlines()) == 9
    assert len((tmp_path / "output.gff3").read_text().splitlines()) == 6
    assert (tmp_path / "processed_entries.fasta").read_text().count(">") == 5
    assert len(json.loads((tmp_path / "output.json").read_text())["SEQUENCES"]) == 7


def test_plots_lie_where_the_json_file_says(predictions, facts, tmp_path):
    choice = signalp6_output(Request("txt"))
    assert choice.needs_peptide_regions
    assert not SIGNALP6.needs_peptide_regions
    twice = [*predictions[1:2], *predictions[1:]]
    choice.write(lambda: iter(twice), tmp_path, facts())
    entries = json.loads((tmp_path / "output.json").read_text())["SEQUENCES"].values()
    for entry in entries:
        place = Path(entry["Plot_txt"])
        assert place.parent == Path("out")
        assert (tmp_path / place.name).read_text().startswith(f"# Name={entry['Name']}\n")
    assert len(list(tmp_path.glob("output_*_plot.txt"))) == len(entries) + 1


def test_memory_does_not_grow_with_the_proteins(predictions, facts, tmp_path):
    def read():
        for number in range(3000):
            yield replace(
                predictions[1], header=f"P{number}", residues=chr(65 + number % 26) * 2000
            )

    SIGNALP6.write(lambda: islice(read(), 10), tmp_path, facts())
    tracemalloc.start()
    SIGNALP6.write(read, tmp_path, facts(size=3000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "processed_entries.fasta").stat().st_size > 5_000_000
    assert peak < 1_000_000
