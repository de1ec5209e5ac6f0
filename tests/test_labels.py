"""States, types and steps: those of the published programs, and what follows from them."""

import itertools
import json

import pytest

from peftsp import labels
from peftsp.labels import SP_TYPES, STATE_INDEX, STATES

# A path of each type, each region once, with the signal peptide before the stroke.
PATHS = {
    "NO_SP": "| I M O",
    "SP": "N H C | O M I",
    "LIPO": "N H CS | C1 O M I",
    "TAT": "N RR N H C | O M I",
    "TATLIPO": "N RR N H CS | C1 O M I",
    "PILIN": "P | CS H O M I",
}
# What the regions of such a path are called, and what they are in the plots of SignalP 6.0.
REGIONS = {
    "NO_SP": ("inside membrane outside", "other other other"),
    "SP": ("n h c", "SP_n SP_h SP_c"),
    "LIPO": ("n h c lipid_cysteine", "LIPO_n LIPO_h LIPO_cys LIPO_cys"),
    "TAT": ("n twin_arginine n h c", "TAT_n TAT_rr TAT_n TAT_h TAT_c"),
    "TATLIPO": (
        "n twin_arginine n h c lipid_cysteine",
        "TATLIPO_n TATLIPO_rr TATLIPO_n TATLIPO_h TATLIPO_cys TATLIPO_cys",
    ),
    "PILIN": ("n outside h", "PILIN_p PILIN_cons PILIN_h"),
}


def states_of(sp_type, regions):
    return [STATE_INDEX[f"{sp_type}_{region}"] for region in regions.split()]


@pytest.fixture(scope="module")
def published(shared):
    return json.loads((shared / "golden" / "labels" / "vocab.json").read_text())


def test_vocabulary_is_the_published_one(published):
    assert list(STATES) == published["states"]
    assert {name: index for index, name in enumerate(SP_TYPES)} == published["global_labels"]
    assert {name: i for i, name in enumerate(labels.KINGDOMS)} == published["kingdoms"]


def test_steps_starts_and_ends_are_the_published_ones(published):
    assert {tuple(pair) for pair in published["allowed_transitions"]} == labels.ALLOWED_TRANSITIONS
    assert set(published["allowed_starts"]) == labels.ALLOWED_STARTS
    assert set(published["allowed_ends"]) == labels.PUBLISHED_ENDS


def test_ends_are_those_published_and_those_behind_an_sp():
    mended = {STATES[state] for state in labels.ALLOWED_ENDS - labels.PUBLISHED_ENDS}
    assert mended == {"SP_I", "SP_M", "SP_O"}
    assert labels.PUBLISHED_ENDS < labels.ALLOWED_ENDS


@pytest.mark.parametrize("sp_type", SP_TYPES)
def test_path_of_a_type_is_allowed_and_stays_in_its_states(sp_type):
    path = states_of(sp_type, PATHS[sp_type].replace("|", ""))
    assert path[0] in labels.ALLOWED_STARTS
    assert set(itertools.pairwise(path)) <= labels.ALLOWED_TRANSITIONS
    assert path[-1] in labels.ALLOWED_ENDS
    own = [i for i, owner in enumerate(labels.TYPE_OF_STATE) if SP_TYPES[owner] == sp_type]
    assert set(path) == set(own)
    outside = set(range(37)) - set(own)
    assert not [(a, b) for a, b in labels.ALLOWED_TRANSITIONS if a in own and b in outside]


@pytest.mark.parametrize("sp_type", SP_TYPES)
def test_cut_is_behind_the_last_state_of_the_signal_peptide(sp_type):
    before, _, after = PATHS[sp_type].partition("|")
    peptide = states_of(sp_type, before)
    last = labels.LAST_SP_STATE_OF_TYPE.get(SP_TYPES.index(sp_type))
    assert last == (peptide[-1] if peptide else None)
    assert set(peptide) <= set(labels.SIGNAL_PEPTIDE_STATES)
    assert not set(states_of(sp_type, after)) & set(labels.SIGNAL_PEPTIDE_STATES)


@pytest.mark.parametrize("sp_type", SP_TYPES)
def test_each_state_is_part_of_a_region(sp_type):
    names, plotted = (text.split() for text in REGIONS[sp_type])
    path = states_of(sp_type, PATHS[sp_type].replace("|", ""))[: len(names)]
    found = [labels.RESIDUE_REGIONS[labels.RESIDUE_REGION_OF_STATE[state]] for state in path]
    assert found == names
    found = [labels.PEPTIDE_REGIONS[labels.PEPTIDE_REGION_OF_STATE[state]] for state in path]
    assert found == plotted


@pytest.mark.parametrize(("letter", "name"), [("I", "inside"), ("M", "membrane"), ("O", "outside")])
def test_topology_is_the_same_in_every_type(letter, name):
    for state in (STATE_INDEX[f"{sp_type}_{letter}"] for sp_type in SP_TYPES):
        assert labels.RESIDUE_REGIONS[labels.RESIDUE_REGION_OF_STATE[state]] == name
        assert labels.PEPTIDE_REGION_OF_STATE[state] == 0


def test_regions_that_are_compared_lie_within_the_signal_peptide():
    compared = {
        "N": labels.N_REGION_STATES,
        "H": labels.H_REGION_STATES,
        "C": labels.C_REGION_STATES,
    }
    for letter, states in compared.items():
        assert all(STATES[state].endswith(f"_{letter}") for state in states)
    of_type = {name: [labels.TYPE_OF_STATE[s] for s in states] for name, states in compared.items()}
    assert of_type == {"N": [1, 2, 3, 4], "H": [1, 2, 3, 4, 5], "C": [1, 3]}


def test_only_a_cysteine_can_carry_the_lipid():
    found = {STATES[state]: letters for state, letters in labels.RESIDUES_OF_STATE.items()}
    assert found == {"LIPO_C1": "C", "TATLIPO_C1": "C"}
    # There is one such residue: none follows itself.
    assert not [s for s in labels.RESIDUES_OF_STATE if (s, s) in labels.ALLOWED_TRANSITIONS]


def test_kingdoms_of_records_have_the_ids_of_kingdoms():
    assert labels.KINGDOM_LABELS[:4] == labels.KINGDOMS
    assert labels.KINGDOM_LABELS[4:] == ("UNKNOWN",)
