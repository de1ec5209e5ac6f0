from peftsp.inference.compute.options import KINGDOM_NAMES, kingdom_of, sums_types
from peftsp.labels import KINGDOMS


def test_each_kingdom_is_a_choice_beside_other():
    assert KINGDOM_NAMES[0] == "other"
    for kingdom in KINGDOM_NAMES[1:]:
        assert KINGDOMS[kingdom_of(kingdom)] == kingdom.upper()


def test_only_eukaryotes_have_one_type():
    assert [kingdom for kingdom in KINGDOM_NAMES if sums_types(kingdom)] == ["eukarya"]
