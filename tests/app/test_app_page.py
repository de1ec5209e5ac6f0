"""The page in a real browser says what Python says of the same proteins."""

import base64
import csv
import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import open_tab

from peftsp.app.page import build_page
from peftsp.data.fasta import EXAMPLES
from peftsp.inference.commands.predict import main as predict
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.formats.page import encode_probabilities
from peftsp.records import SequenceRecord

GRAPH = Path(__file__).parents[1] / "data" / "tiny.onnx"
KINGDOM = {"other": -1, "eukarya": 0, "archaea": 3}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records():
    rng = random.Random(0)
    letters = "ACDEFGHIKLMNPQRSTVWYXJ"
    proteins = ["".join(rng.choices(letters, k=length)) for length in (70, 300, *range(1, 75, 2))]
    proteins += ["M" + 40 * "X" + 20 * "K", "MKKTAIAIAVALAGFATVAQA"]
    return [SequenceRecord(f"p~{n} of length {len(p)}", p) for n, p in enumerate(proteins)]


@pytest.fixture(scope="module")
def tab(runtime, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    page = build_page(GRAPH.read_bytes(), "tiny", EXAMPLES.read_text(), runtime=runtime)
    (folder / "page.html").write_text(page, encoding="utf-8")
    with open_tab(folder) as tab:
        tab.open((folder / "page.html").as_uri())
        tab.wait_for("!byId('predict').disabled")
        yield tab
        assert tab.complaints == []


def fill_in(tab, text, kingdom="other"):
    tab.run(f"box.value = {json.dumps(text)}")
    tab.run(f"byId('kingdom').value = '{kingdom}'")
    tab.run("byId('results').hidden = true; form.requestSubmit()")


def as_fasta(records):
    return "".join(f">{record.header}\n{record.residues.lower()}*\n" for record in records)


@pytest.mark.parametrize("kingdom", KINGDOM)
def test_page_says_what_python_says(tab, records, kingdom):
    fill_in(tab, as_fasta(records), kingdom)
    tab.wait_for("!byId('results').hidden")
    found = tab.run("records")
    options = Options(KINGDOM[kingdom], kingdom == "eukarya", has_region_probabilities=True)
    expected = list(predict_records(records, OnnxModel(GRAPH, 1), 8, options=options))
    assert len({prediction.sp_type for prediction in expected}) > 1
    assert {note for p in expected for note in p.notes} >= {"too few known residues"}
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        whose = theirs.identifier
        assert (ours["name"], ours["type"], ours["site"], ours["note"]) == (
            *(whose, theirs.sp_type, theirs.cleavage_site, theirs.note),
        )
        for kind in ("regions", "motifs"):
            stretches = [
                [region.name, region.start, region.end] for region in getattr(theirs, kind)
            ]
            assert ours[kind] == stretches, whose
        assert ours["probabilities"] == pytest.approx(theirs.probabilities, abs=1e-4)
        assert ours["certainty"] == pytest.approx(theirs.cleavage_site_probability, abs=1e-4)
        shown, expected_bytes = map(
            base64.b64decode,
            (ours["probabilitiesOfRegions"], encode_probabilities(theirs.region_probabilities)),
        )
        assert list(shown) == pytest.approx(list(expected_bytes), abs=1)


def test_downloads_are_the_files_of_the_command(tab, records, tmp_path):
    fasta = tmp_path / "proteins.fasta"
    fasta.write_text(as_fasta(records))
    fill_in(tab, as_fasta(records))
    tab.wait_for("!byId('results').hidden")
    command = [str(fasta), "-b", str(GRAPH), "-o", str(tmp_path / "out"), "--formats"]
    assert predict([*command, "csv,gff3,signalp6"]) == 0
    theirs = tmp_path / "out"
    assert columns(tab.run("asGff3(records)")) == columns((theirs / "predictions.gff3").read_text())
    table = (theirs / "prediction_results.txt").read_text()
    assert columns(tab.run("asSignalP6(records, 'other')"))[1:] == columns(table)[1:]
    tab.run("for (const box of document.querySelectorAll('.counts input')) box.checked = true")
    tab.run("refresh()")
    rows = list(csv.reader(tab.run("asCsv(state.shown)").splitlines()))
    expected = list(csv.reader((theirs / "predictions.csv").read_text().splitlines()))
    assert [row[:2] for row in rows] == [row[:2] for row in expected]


def columns(text):
    """Cells of each line, numbers with few digits."""

    def short(cell):
        try:
            return f"{float(cell):.3f}"
        except ValueError:
            return cell

    return [[short(cell) for cell in line.split("\t")] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No protein is there"),
        (">p1\nMK1L\n", "No protein is there"),
        (">gene\n" + 20 * "ACGT" + "\n", "look like DNA"),
    ],
)
def test_what_cannot_be_predicted_is_told(tab, text, said):
    fill_in(tab, text)
    tab.wait_for(f"said.textContent.includes('{said}')")
    assert tab.run("byId('results').hidden")


def test_wrong_records_are_listed_and_the_others_predicted(tab):
    fill_in(tab, ">p1\nMK-L\n>p2\nMKLAVLG\n>p2\nMKL\n>\nMKL\n>p3\n\n")
    tab.wait_for("!byId('results').hidden")
    assert tab.run("records.map((record) => record.name)") == ["p2"]
    wrong = tab.run("[...byId('wrong-list').children].map((item) => item.textContent)")
    assert [text.split(":")[0] for text in wrong] == [
        *("line 1 (p1)", "line 5 (p2)", "line 7 ()", "line 9 (p3)")
    ]
    assert "found '-'" in wrong[0]


def test_run_can_be_stopped(tab, records):
    many = [SequenceRecord(f"{n}", records[0].residues) for n in range(20_000)]
    fill_in(tab, as_fasta(many))
    tab.wait_for("bar.value > 0")
    tab.run("byId('stop').click()")
    tab.wait_for("!byId('results').hidden")
    assert 0 < tab.run("records.length") < 20_000
    assert tab.run("said.textContent").startswith("Stopped after")


def test_many_proteins_are_predicted_without_being_shown(tab, records):
    """A box with a million characters would stop the page for seconds."""
    hint = tab.run("box.placeholder")
    many = as_fasta([SequenceRecord(f"{n}", records[0].residues) for n in range(3_000)])
    tab.run(f"take([new File([{json.dumps(many)}], 'big.faa')])")
    assert tab.run("said.textContent") == "big.faa: 0.2 million characters"
    assert tab.run("[box.value, box.placeholder]") == [
        *("", "0.2 million characters, not shown; what is typed here takes their place")
    ]
    tab.run("byId('results').hidden = true; form.requestSubmit()")
    tab.wait_for("bar.value > 0")
    tab.run("byId('stop').click()")
    tab.wait_for("!byId('results').hidden")
    assert tab.run("records[0].name") == "0"
    tab.run("box.value = '>p1\\nMKL\\n'; box.dispatchEvent(new Event('input'))")
    assert tab.run("[given.held, box.value, box.placeholder]") == ["", ">p1\nMKL\n", hint]
    tab.run(
        f"globalThis.pasted = new DataTransfer(); pasted.setData('text', {json.dumps(many)});"
        "box.dispatchEvent(new ClipboardEvent('paste', {clipboardData: pasted}))"
    )
    assert tab.run("[given.held.length, box.value]") == [len(many), ""]
    tab.run("give('')")
    assert tab.run("[given.held, box.placeholder]") == ["", hint]


def test_slow_speeds_have_a_decimal(tab):
    assert tab.run("perSecond(1, 4000)") == "0.3 a second"
    assert tab.run("perSecond(100, 4000)") == "25 a second"


def test_narrow_window_and_dark_theme(tab, tmp_path):
    fill_in(tab, EXAMPLES.read_text())
    tab.wait_for("!byId('results').hidden")
    tab.call("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1,
             mobile=False)  # fmt: skip
    assert tab.run("document.documentElement.scrollWidth") <= 400
    colour = "getComputedStyle(document.body).backgroundColor"
    light = tab.run(colour)
    tab.call("Emulation.setEmulatedMedia",
             features=[{"name": "prefers-color-scheme", "value": "dark"}])  # fmt: skip
    assert tab.run(colour) != light
