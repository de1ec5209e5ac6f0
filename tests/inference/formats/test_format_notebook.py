"""Predictions that notebooks show as pictures, and that are predictions still."""

import base64
import xml.etree.ElementTree as ET
from dataclasses import fields, replace

import pytest

import peftsp
from peftsp.inference.formats.notebook import shown
from peftsp.records import Prediction, SequenceRecord


def test_prediction_shows_its_picture_in_a_notebook(bundles, short_records):
    record = SequenceRecord("<b>P1 x", short_records[0].residues)
    found = next(peftsp.predict([record], bundle=bundles[0], has_region_probabilities=True))
    page = found._repr_html_()
    picture = page.partition("data:image/svg+xml;base64,")[2].partition('"')[0]
    assert b"P1" in base64.b64decode(picture)
    assert "<b>" not in page
    assert found.note in page


def test_notebook_shows_no_picture_without_matplotlib(bundles, short_records, monkeypatch):
    found = next(peftsp.predict(short_records[:1], bundle=bundles[0]))
    monkeypatch.setattr("peftsp.inference.formats.notebook.find_spec", lambda _: None)
    assert found._repr_html_() is None


def picture_in(page):
    """The SVG in what a notebook shows."""
    return base64.b64decode(page.partition("data:image/svg+xml;base64,")[2].partition('"')[0])


def test_shown_predictions_are_predictions_in_order(make_prediction):
    found = [
        replace(make_prediction(f"P{n}", kind), caveats=("short",), peptide_regions=((0.5, 0.5),))
        for n, kind in enumerate(("SP", "NO_SP", "PILIN"))
    ]
    for one, plain in zip(shown(iter(found)), found, strict=True):
        assert isinstance(one, Prediction)
        for field in fields(Prediction):
            assert getattr(one, field.name) == getattr(plain, field.name)


def test_hostile_names_and_notes_are_no_markup(make_prediction, hostile):
    for header in hostile:
        plain = make_prediction(header)
        [found] = shown([plain])
        page = found._repr_html_()
        assert page.count("<") == 1
        texts = [
            node.text for node in ET.fromstring(picture_in(page)).iter() if node.tag[-4:] == "text"
        ]
        assert plain.identifier in texts


@pytest.mark.parametrize("note", [(), ("ends <i>inside</i>",)])
def test_note_stands_below_where_there_is_one(make_prediction, note):
    [found] = shown([replace(make_prediction(), caveats=note)])
    page = found._repr_html_()
    assert page.endswith("<p>ends &lt;i&gt;inside&lt;/i&gt;</p>" if note else ">")
    assert page.count("<p>") == len(note)
