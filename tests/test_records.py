"""What records and predictions say of themselves."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from peftsp.errors import ConfigError
from peftsp.records import LabelledRecord, Prediction, Region, SequenceRecord

FOUND = Prediction(
    header="sp|P1|A_B  a protein ",
    sp_type="LIPO",
    probabilities=(0.1, 0.2, 0.4, 0.15, 0.1, 0.05),
    cleavage_site=19,
    cleavage_site_probability=0.75,
    regions=(Region("n", 1, 5),),
)


@pytest.mark.parametrize(
    ("header", "identifier"),
    [
        ("sp|P1|A_B a protein", "sp|P1|A_B"),
        ("  P1\tname", "P1"),
        ("P1", "P1"),
        ("", ""),
        (" \t", ""),
    ],
)
def test_identifier_is_the_first_word_of_the_header(header, identifier):
    assert SequenceRecord(header, "MKL").identifier == identifier


@pytest.mark.parametrize(
    ("header", "identifier", "description"),
    [
        ("sp|P1|A_B  a protein ", "sp|P1|A_B", "a protein"),
        ("P1 P1 P1", "P1", "P1 P1"),
        ("P1", "P1", ""),
        ("  P1\t name", "P1", "name"),
        (" ", "", ""),
    ],
)
def test_header_of_a_prediction_has_two_parts(header, identifier, description):
    found = replace(FOUND, header=header)
    assert (found.identifier, found.description) == (identifier, description)


@pytest.mark.parametrize(
    ("partition", "near", "field"),
    [(3, (), "3"), (-1, (), "-1"), (-1, (0,), "0"), (-1, (0, 2), "0+2")],
)
def test_partition_is_written_with_those_of_homologs(partition, near, field):
    record = LabelledRecord("P1", "EUKARYA", "NO_SP", partition, "MKL", "UUU", near)
    assert record.partition_field == field


def test_probability_is_that_of_the_type():
    assert FOUND.probability == 0.4
    assert replace(FOUND, sp_type="NO_SP").probability == 0.1
    assert replace(FOUND, sp_type="PILIN").probability == 0.05


@pytest.mark.parametrize(
    ("certainty", "is_unsure"), [(None, False), (0.0, True), (0.4999, True), (0.5, False)]
)
def test_site_that_is_more_likely_elsewhere_is_unsure(certainty, is_unsure):
    assert replace(FOUND, cleavage_site_probability=certainty).has_unsure_site is is_unsure


@pytest.mark.parametrize(
    ("caveats", "certainty", "notes"),
    [
        ((), 0.75, ()),
        ((), 0.25, ("unsure cleavage site",)),
        (("too short",), 0.75, ("too short",)),
        (("too short", "no start"), 0.25, ("too short", "no start", "unsure cleavage site")),
    ],
)
def test_notes_are_the_caveats_and_an_unsure_site(caveats, certainty, notes):
    found = replace(FOUND, caveats=caveats, cleavage_site_probability=certainty)
    assert found.notes == notes
    assert found.note == ("; ".join(notes) if notes else None)


def test_regions_are_given_as_an_array():
    rows = ((0.25, 0.75, *[0.0] * 6), (0.0,) * 7 + (1.0,))
    array = replace(FOUND, region_probabilities=rows).region_array()
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array(rows))


def test_regions_that_were_not_asked_for_are_an_error():
    message = "^region_array: expected a prediction with has_region_probabilities=True, found one"
    with pytest.raises(ConfigError, match=message):
        FOUND.region_array()


def test_values_are_frozen_and_equal_by_content():
    assert replace(FOUND) == FOUND
    assert len({FOUND, replace(FOUND), replace(FOUND, residues="M")}) == 2
    for value, name in ((FOUND, "sp_type"), (FOUND.regions[0], "end")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
