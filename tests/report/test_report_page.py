"""The page holds all that it shows, with identifiers and numbers as a browser wants them."""

import re

import pandas as pd
import pytest

from peftsp.report.figures import Picture
from peftsp.report.page import PageContent, render_page
from peftsp.report.table import Table


@pytest.fixture
def page():
    """Function of changes that gives a page of small tables and two pictures of one drawing."""
    names = ["overall", "settings", *(f"{m}{p}" for m in ("mcc1", "mcc2") for p in ("", "_pooled"))]
    names += [
        f"{m}_{w}{p}" for m in ("precision", "recall") for w in range(4) for p in ("", "_pooled")
    ]
    shown = pd.DataFrame({"method": ["lora", "a < b"], "n": ["0.5 (0.4 to 0.6)", "–"]})
    tables = {name: Table(name, "Caption.", shown, shown) for name in names}
    svg = (
        '<svg height="10pt" viewBox="0 0 1 1"><defs><clipPath id="p1"><path height="3"/></clipPath>'
        '</defs><g id="g" clip-path="url(#p1)"><use xlink:href="#p1"/></g></svg>'
    )
    pictures = {name: Picture(name, "Drawn.", svg) for name in ("mcc2", "sites")}

    def render(**changes):
        given = {
            "title": "Some",
            "has_folds": True,
            "facts": {},
            "warnings": (),
            "tables": tables,
            "further": (),
        }
        return render_page(PageContent(**{**given, "pictures": pictures, **changes}))

    return render


def test_each_picture_has_identifiers_of_its_own(page):
    text = page()
    identifiers = re.findall(r'\bid="([^"]*)"', text)
    assert len(identifiers) == len(set(identifiers))
    assert {"mcc2-p1", "mcc2-g", "sites-p1", "sites-g"} <= set(identifiers)
    assert re.findall(r"url\((#[^)]*)\)", text) == ["#mcc2-p1", "#sites-p1"]
    assert re.findall(r'xlink:href="([^"]*)"', text) == ["#mcc2-p1", "#sites-p1"]


def test_a_picture_is_as_large_as_the_page_wants(page):
    [first, _] = re.findall(r"<svg [^>]*>", page())
    assert "height" not in first
    assert 'viewBox="0 0 1 1"' in first
    assert 'role="img" aria-labelledby="mcc2-caption"' in first
    assert page().count('<path height="3"/>') == 2, "what is within a picture stays"


def test_what_others_wrote_is_no_markup(page):
    bad = "<script>alert(1)</script>"
    text = page(title=bad, warnings=[bad], facts={"Data set": bad})
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4, "the title is there twice"
    assert "<td>a &lt; b</td>" in text


def test_numbers_may_be_broken_before_their_interval_alone(page):
    text = page()
    style = text[text.index("<style>") : text.index("</style>")]
    assert "td span { white-space: nowrap; }" in style
    assert "td { white-space" not in style
    assert '<td class="number"><span>0.5</span> <span>(0.4 to 0.6)</span></td>' in text
    assert '<td class="number"><span>–</span></td>' in text


def test_what_there_is_none_of_is_left_out(page):
    text = page()
    for absent in ("Read this first", 'id="further"', "What it costs", "DOME", 'id="table-cost"'):
        assert absent not in text
    assert "nothing is compared" in text
    linked, known = (set(re.findall(f'{name}([^"]+)"', text)) for name in ('<a href="#', ' id="'))
    assert linked <= known
    assert "<strong>Read this first" in page(warnings=["one seed"])


def test_each_section_is_linked(page):
    text = page(further=("mcc2",))
    titles = re.findall('<h2 id="([^"]+)"', text)
    assert "further" in titles
    assert re.findall('<a href="#([^"]+)"', text) == titles


@pytest.mark.parametrize("has_folds", [True, False])
def test_models_are_said_to_be_of_folds_where_they_are(page, has_folds):
    text = page(has_folds=has_folds)
    assert ("homology partitions of the data" in text) == has_folds
    assert ("trained no model, as far as models say" in text) != has_folds
