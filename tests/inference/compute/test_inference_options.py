from peftsp.inference.compute.options import ORGANISMS, kingdom_of, sums_types
from peftsp.labels import KINGDOMS


def test_each_kingdom_is_a_choice_beside_other():
    assert ORGANISMS[0] == "other"
    for organism in ORGANISMS[1:]:
        assert KINGDOMS[kingdom_of(organism)] == organism.upper()


def test_only_eukaryotes_have_one_type():
    assert [organism for organism in ORGANISMS if sums_types(organism)] == ["eukarya"]
