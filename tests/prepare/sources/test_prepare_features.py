"""Features and evidence as the cells of UniProt's tables write them."""

import pytest

from peftsp.prepare.entry import EVIDENCE_LEVELS, Feature
from peftsp.prepare.sources.features import KEY_OF_NAME, codes_in, evidence_level, features_of_text


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], "any"),
        (["ECO:0000256"], "any"),
        (["ECO:0000255"], "manual"),
        (["ECO:0000305", "ECO:0000256"], "manual"),
        (["ECO:0000256", "ECO:0000255", "ECO:0000269"], "experimental"),
        (["ECO:0007744"], "experimental"),
    ],
)
def test_surest_of_several_codes_counts(codes, expected):
    assert EVIDENCE_LEVELS[evidence_level(iter(codes))] == expected


def test_codes_are_found_among_their_sources():
    text = "ECO:0000269|PubMed:12, ECO:0000255|HAMAP-Rule:MF_01, ECO:12"
    assert codes_in(text) == ["ECO:0000269", "ECO:0000255"]


def test_cell_with_several_features_gives_each():
    cell = (
        'TRANSMEM 10..25; /note="Helical; Name=1"; /evidence="ECO:0000255"; '
        'LIPID 30; /note="S-palmitoyl ""x"" cysteine"; TOPO_DOM 31..60'
    )
    assert list(features_of_text(cell)) == [
        Feature("TRANSMEM", 10, 25, "Helical; Name=1", 1),
        Feature("LIPID", 30, 30, 'S-palmitoyl ""x"" cysteine', 0),
        Feature("TOPO_DOM", 31, 60, "", 0),
    ]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ("1..?", (1, None)),
        ("?..22", (None, 22)),
        ("<1..>22", (None, None)),
        ("1..?22", (1, None)),
        ("?", (None, None)),
    ],
)
def test_position_that_is_not_sure_is_none(places, expected):
    [found] = features_of_text(f"SIGNAL {places}")
    assert (found.start, found.end) == expected


@pytest.mark.parametrize("text", ["", "signal 1..18", "SIGNAL", "SIGNAL one..two"])
def test_other_texts_hold_no_feature(text):
    assert not list(features_of_text(text))


def test_names_in_a_note_are_no_features():
    [found] = features_of_text('SIGNAL 1..18; /note="see TRANSMEM 3..9"')
    assert found == Feature("SIGNAL", 1, 18, "see TRANSMEM 3..9", 0)


def test_long_names_are_looked_up_in_lower_case():
    assert all(name == name.lower() for name in KEY_OF_NAME)
    assert set(KEY_OF_NAME.values()) == {
        *("SIGNAL", "TRANSMEM", "INTRAMEM", "LIPID", "TOPO_DOM", "PROPEP", "MOD_RES")
    }
