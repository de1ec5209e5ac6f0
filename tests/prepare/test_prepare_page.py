"""The page shows counts by partition, peptides, and what is not in the file."""

import re
import sys

import pytest

from peftsp.errors import ConfigError
from peftsp.prepare.collection import Prepared
from peftsp.prepare.entry import Unusable
from peftsp.prepare.page import PreparedSet, render
from peftsp.records import LabelledRecord

SEQUENCE = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"


def protein(kingdom, sp_type, group, site=0):
    letter = {"SP": "S", "LIPO": "L", "NO_SP": ""}[sp_type]
    annotation = letter * site + "U" * (39 - site)
    record = LabelledRecord("P1", kingdom, sp_type, 0, SEQUENCE, annotation)
    return Prepared(record, "t.tsv:1", group, None, is_weak=False)


def page_of(proteins=(), partitions=(), unusable=(), facts=None):
    return render(PreparedSet("own.fasta", facts or {}, proteins, partitions, unusable))


def rows(page):
    """Texts of the cells of each row."""
    lines = [line for line in page.splitlines() if line.startswith("<tr>")]
    return [re.split("<t[dh][^>]*>", line)[1:] for line in lines]


def test_counts_stand_by_name_and_partition():
    proteins = [
        protein("EUKARYA", "NO_SP", "fungi"),
        protein("EUKARYA", "NO_SP", "plants"),
        protein("NEGATIVE", "LIPO", "pseudomonadota", 18),
        protein("EUKARYA", "NO_SP", "fungi"),
    ]
    assert rows(page_of(proteins, [0, 2, 2, 0])) == [
        ["", "partition 0", "partition 2", "all"],
        ["EUKARYA NO_SP", "2", "1", "3"],
        ["NEGATIVE LIPO", "0", "1", "1"],
        ["", "partition 0", "partition 2", "all"],
        ["fungi", "2", "0", "2"],
        ["plants", "0", "1", "1"],
        ["pseudomonadota", "0", "1", "1"],
    ]


def test_types_with_two_peptides_or_more_are_drawn():
    pytest.importorskip("logomaker")
    two = [protein("NEGATIVE", "LIPO", "", site) for site in (18, 5)]
    page = page_of([*two, protein("EUKARYA", "SP", "", 18)], [0, 0, 0])
    assert page.count("<svg") == 1
    assert "<!-- LIPO: 2 proteins -->" in page
    assert page_of([protein("EUKARYA", "NO_SP", "")] * 2, [0, 0]).count("<svg") == 0


def test_reasons_are_counted_without_what_was_found():
    reasons = ["expected M, found A", "expected 1 label, found 2", "expected M, found C"]
    lost = [Unusable(f"t.tsv:{n}", "", reason) for n, reason in enumerate(reasons)]
    page = page_of(unusable=lost)
    assert "Not in the file: 3" in page
    assert [row for row in rows(page) if len(row) == 2 and row[0].isdecimal()] == [
        ["2", "expected M"],
        ["1", "expected 1 label"],
    ]
    assert ["t.tsv:2", "", "expected M, found C"] in rows(page)


def test_long_list_is_cut():
    page = page_of(unusable=[Unusable(f"t.tsv:{n}", f"P{n}", "no") for n in range(250)])
    assert "Not in the file: 250" in page
    assert "The first 200" in page
    assert "<td>P199<td>" in page
    assert "<td>P200<td>" not in page


def test_texts_of_others_are_no_markup():
    hostile = "<script>alert(1)</script>"
    page = page_of(
        [protein("EUKARYA", "NO_SP", hostile)],
        [0],
        [Unusable(hostile, hostile, hostile)],
        {"Sources": hostile},
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 6


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "logomaker", None)
    with pytest.raises(ConfigError, match="report page: expected the package logomaker, found"):
        page_of([protein("EUKARYA", "SP", "", 18)] * 2, [0, 0])
