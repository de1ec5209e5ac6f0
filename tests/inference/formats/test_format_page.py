"""The page of predictions, read back without a browser."""

import base64
import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from peftsp.inference.formats import page as page_format
from peftsp.inference.formats.page import HTML, encode_probabilities
from peftsp.labels import RESIDUE_REGIONS, SP_TYPES

VOID = {"meta", "input", "rect"}


class Page(HTMLParser):
    """Elements with their attributes and text, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.open = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag):
        return [element for element in self.elements if element[0] == tag]

    def text(self, identity):
        return next(
            text for _, attributes, text in self.elements if attributes.get("id") == identity
        )


@pytest.fixture
def write_page(tmp_path, make_facts):
    def write(predictions):
        HTML.write(lambda: iter(predictions), tmp_path, make_facts(len(predictions)))
        return Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    return write


def test_page_holds_the_predictions(write_page, make_prediction):
    found = [make_prediction(f"p{kind} some words", kind) for kind in SP_TYPES]
    found[1] = replace(found[1], cleavage_site_probability=0.25)
    page = write_page([*found, make_prediction("short", "NO_SP", 1)])
    vocabulary = json.loads(page.text("vocabulary"))
    records = json.loads(page.text("records"))
    assert len(records) == 7
    assert len(records[6][8]) == 12
    for prediction, record in zip(found, records, strict=False):
        header, sp_type, probabilities, site, certainty, regions, motifs, residues, *rest = record
        encoded, note, length = rest
        assert length == len(prediction.residues)
        assert note == prediction.note
        assert header == prediction.header
        assert vocabulary["types"][sp_type] == prediction.sp_type
        assert probabilities == list(prediction.probabilities)
        assert (site, certainty) == (
            prediction.cleavage_site,
            prediction.cleavage_site_probability,
        )
        assert residues == prediction.residues[:70]
        for stretches, expected in ((regions, prediction.regions), (motifs, prediction.motifs)):
            named = [(vocabulary["regions"][name], start, end) for name, start, end in stretches]
            assert named == [(region.name, region.start, region.end) for region in expected]
        values = [byte / 255 for byte in base64.b64decode(encoded)]
        flat = [value for row in prediction.region_probabilities for value in row]
        assert values == pytest.approx(flat, abs=0.5 / 255 + 1e-9)


def test_counts_are_shown(write_page, make_prediction):
    page = write_page(
        [make_prediction(f"p{n}", kind) for n, kind in enumerate(["SP", "SP", "TAT"])]
    )
    labels = {text.split()[0]: text.split() for tag, _, text in page.all("label") if "(" in text}
    assert labels["SP"][-2:] == ["2", "(66.7%)"]
    assert labels["TAT"][-2:] == ["1", "(33.3%)"]
    assert [a["width"] for _, a, _ in page.all("rect")][:2] == ["0.000%", "66.667%"]


def test_hostile_headers_are_inert(write_page, make_prediction, hostile):
    harmless = write_page([make_prediction("P1") for _ in hostile])
    page = write_page([make_prediction(header) for header in hostile])
    assert [element[:2] for element in page.elements] == [e[:2] for e in harmless.elements]
    assert [record[0] for record in json.loads(page.text("records"))] == list(hostile)
    assert not page.all("img")
    assert not page.all("b")


def test_browser_may_run_the_script_of_the_page_alone(write_page, make_prediction):
    page = write_page([make_prediction()])
    policy = next(a["content"] for _, a, _ in page.all("meta") if "http-equiv" in a)
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    (script,) = [text for _, attributes, text in page.all("script") if not attributes]
    ((_, _, style),) = page.all("style")
    for rule, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    addresses = {"src", "href", "action", "onclick", "onload"}
    assert not [a for _, a, _ in page.elements if addresses & a.keys()]


@pytest.mark.parametrize(
    ("types", "listed", "said"),
    [
        (["SP", "NO_SP", "SP", "SP"], ["p0", "p1", "p2", "p3"], ""),
        (["SP", "NO_SP", "SP", "SP", "NO_SP"], ["p0", "p2", "p3"], "the 3 proteins"),
        (["SP"] * 6, ["p0", "p1", "p2", "p3"], "the first 4 of 6 proteins"),
    ],
)
def test_large_run_lists_signal_peptides(
    write_page, make_prediction, monkeypatch, types, listed, said
):
    monkeypatch.setattr(page_format, "MOST_ROWS", 4)
    page = write_page([make_prediction(f"p{n}", kind) for n, kind in enumerate(types)])
    assert [record[0] for record in json.loads(page.text("records"))] == listed
    # The first notice is for browsers without JavaScript.
    _, (_, attributes, text) = [e for e in page.all("p") if e[1].get("class") == "notice"]
    assert said in text
    assert ("hidden" in attributes) == (said == "")


def test_empty_run_is_a_page(write_page):
    assert json.loads(write_page([]).text("records")) == []


def test_bytes_stay_within_range():
    assert base64.b64decode(encode_probabilities(((1.0004, 0.0), (0.5, 1.0)))) == bytes(
        [255, 0, 128, 255]
    )


def test_regions_of_the_legend_are_those_of_a_signal_peptide(write_page, make_prediction):
    page = write_page([make_prediction()])
    tiles = [a["class"] for _, a, _ in page.all("span") if a.get("class", "").startswith("tile")]
    assert tiles == [f"tile region-{name}" for name in RESIDUE_REGIONS[:5]]
