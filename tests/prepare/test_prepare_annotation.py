"""Records of entries: annotation lines, kingdoms, and what no record is made of."""

import pytest

from peftsp.prepare.annotation import record_of
from peftsp.prepare.entry import Entry, Feature, Label
from peftsp.prepare.labels import UnclearLabelError

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
BACTERIUM = ("Bacteria", "Pseudomonadati", "Pseudomonadota")
SIGNAL = Feature("SIGNAL", 1, 18, evidence=2)


def entry(residues=SP, *features, **settings):
    return Entry("t.tsv:2", "P1", residues, features=features, **{"lineage": BACTERIUM, **settings})


def annotation_of(*args, **settings):
    return record_of(entry(*args, **settings), None, 0)[0].annotation


def test_annotation_is_the_peptide_and_what_lies_behind_it():
    stretches = (
        Feature("TOPO_DOM", 19, 24, "Periplasmic"),
        Feature("TRANSMEM", 25, 34, "Helical"),
        Feature("TOPO_DOM", 35, 90, "Cytoplasmic"),
    )
    assert annotation_of(SP, SIGNAL, *stretches) == "S" * 18 + "O" * 6 + "M" * 10 + "I" * 5


def test_topology_that_no_path_can_follow_is_unknown():
    inside = Feature("TOPO_DOM", 19, 30, "Cytoplasmic")
    assert annotation_of(SP, SIGNAL, inside) == "S" * 18 + "U" * 21


@pytest.mark.parametrize(
    ("note", "letter"),
    [
        ("Extracellular", "O"),
        ("Lumenal, melanosome", "O"),
        ("Periplasmic", "O"),
        ("Exoplasmic loop", "O"),
        ("Cytoplasmic", "I"),
        ("Mitochondrial matrix", "I"),
        ("Stromal", "I"),
        ("Not extracellular", "U"),
        ("", "U"),
    ],
)
def test_side_of_a_domain_is_in_its_note(note, letter):
    assert annotation_of(SP, Feature("TOPO_DOM", 1, 9, note)) == letter * 9 + "U" * 30


@pytest.mark.parametrize("ends", [(None, 9), (1, None), (None, None)])
def test_stretch_without_known_ends_says_nothing(ends):
    assert annotation_of(SP, Feature("TRANSMEM", *ends)) == "U" * 39


def test_stop_sign_at_the_end_is_no_residue():
    assert record_of(entry(SP + "*", SIGNAL), None, 0)[0].residues == SP


def test_types_do_not_depend_on_the_case_of_letters():
    leader = Feature("PROPEP", 1, 4, "Leader sequence", 1)
    pilin = "MKKGFTLIELMIVVAIIGILAAIAIPAYQDYTARAQLSEA"
    assert record_of(entry(pilin.lower(), leader), None, 0)[0].sp_type == "PILIN"
    lipoprotein = entry((SP[:18] + "C" + SP[19:]).lower(), SIGNAL, unsaid=frozenset({"LIPID"}))
    with pytest.raises(UnclearLabelError, match="as C behind the cut may be a lipoprotein's"):
        record_of(lipoprotein, None, 0)


def test_seventy_residues_are_looked_at():
    long = entry((SP * 3).lower(), label=Label("SP", 18), topology="O" * 117)
    record, _ = record_of(long, None, 0)
    assert record.residues == (SP * 3)[:70]
    assert record.annotation == "S" * 18 + "O" * 52


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({"kingdom": "ARCHAEA"}, "EUKARYA", "ARCHAEA"),
        ({}, "EUKARYA", "NEGATIVE"),
        ({"lineage": ("Viruses",)}, "EUKARYA", "EUKARYA"),
        ({"lineage": ()}, None, "UNKNOWN"),
    ],
)
def test_kingdom_of_the_entry_goes_first_and_that_of_the_command_last(settings, given, expected):
    assert record_of(entry(**settings), given, 0)[0].kingdom == expected


def test_group_of_the_entry_goes_before_that_of_its_lineage():
    assert record_of(entry(), None, 0)[1] == "pseudomonadota"
    assert record_of(entry(group="mine"), None, 0)[1] == "mine"


def test_pilin_may_have_a_short_leader():
    pilin = "MKKGFTLIELMIVVAIIGILAAIAIPAYQDYTARAQLSEA"
    assert annotation_of(pilin, label=Label("PILIN", 4)).startswith("PPPPU")


@pytest.mark.parametrize(
    ("unclear", "reason"),
    [
        (entry(is_fragment=True), "expected a whole protein, found a fragment"),
        (entry(""), "expected a sequence, found none of this name"),
        (entry("A" + SP), "expected M at the start, found A"),
        (entry(SP[:9] + "-" + SP[9:]), "expected residues A to Z, found '-' at position 10"),
        (entry(label=Label("SP", 5)), "expected a signal peptide of 6 to 69 residues, found 5"),
        (entry(2 * SP, label=Label("SP", 70)), "of 6 to 69 residues, found 70"),
        (entry(label=Label("SP", 39)), "expected residues behind the cut at 39, found 39 in all"),
        (entry(label=Label("TAT", 18)), "expected RR, KR or RK in a TAT peptide, found none"),
        (entry(label=Label("LIPO", 18)), "expected C behind the cut of LIPO, found R"),
        (
            entry(label=Label("PILIN", 18), kingdom="EUKARYA"),
            "expected SP or NO_SP in a eukaryote, found PILIN",
        ),
        (
            entry("MRR" + "A" * 30, label=Label("TAT", 6)),
            "expected a peptide that TAT states can follow, found none",
        ),
    ],
)
def test_what_no_record_can_be_made_of_has_a_reason(unclear, reason):
    with pytest.raises(UnclearLabelError) as raised:
        record_of(unclear, None, 0)
    assert reason in str(raised.value)


@pytest.mark.parametrize(("name", "found"), [("", "none"), ("a|b", "a|b")])
def test_name_that_a_header_cannot_hold_is_refused(name, found):
    with pytest.raises(UnclearLabelError, match=r"^expected a name without \|, found") as raised:
        record_of(Entry("t:2", name, SP), None, 0)
    assert str(raised.value).endswith(found)
