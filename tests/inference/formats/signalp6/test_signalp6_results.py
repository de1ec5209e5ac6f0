"""The table and the mature sequences against text written by hand."""

import pytest

from peftsp.inference.formats.signalp6.results import heading, mature_record, row
from peftsp.records import Prediction

OTHER = (
    "# SignalP-6.0\tOrganism: Other\tTimestamp: 20260208085023\n"
    "# ID\tPrediction\tOTHER\tSP(Sec/SPI)\tLIPO(Sec/SPII)\tTAT(Tat/SPI)\tTATLIPO(Tat/SPII)"
    "\tPILIN(Sec/SPIII)\tCS Position\n"
    "sp|P1|X_Y first one\tOTHER\t0.750000\t0.125000\t0.062500\t0.062500\t0.000000\t0.000000\t\n"
    "P2\tSP\t0.100000\t0.900000\t0.000000\t0.000000\t0.000000\t0.000000"
    "\tCS pos: 20-21. Pr: 0.9889\n"
    "P3 lipo\tLIPO\t0.000000\t0.250000\t0.750000\t0.000000\t0.000000\t0.000000"
    "\tCS pos: 5-6. Pr: 0.5000\n"
    "P4\tTAT\t0.000000\t0.000000\t0.000000\t1.000000\t0.000000\t0.000000"
    "\tCS pos: 9-10. Pr: 1.0000\n"
    "P5\tTATLIPO\t0.000000\t0.000000\t0.000000\t0.000000\t1.000000\t0.000000"
    "\tCS pos: 9-10. Pr: 0.2500\n"
    "P6\tPILIN\t0.000000\t0.000000\t0.000000\t0.000000\t0.100000\t0.900000"
    "\tCS pos: 3-4. Pr: 1.0000\n"
    "P7\tSP\t0.400000\t0.600000\t0.000000\t0.000000\t0.000000\t0.000000\t\n"
)
EUKARYA = (
    "# SignalP-6.0\tOrganism: Eukarya\tTimestamp: 20260208085023\n"
    "# ID\tPrediction\tOTHER\tSP(Sec/SPI)\tCS Position\n"
    "sp|P1|X_Y first one\tOTHER\t0.750000\t0.250000\t\n"
    "P2\tSP\t0.100000\t0.900000\tCS pos: 20-21. Pr: 0.9889\n"
    "P7\tSP\t0.400000\t0.600000\t\n"
)
MATURE = ">P2\nM\n>P3 lipo\nCSS\n>P4\nQ\n>P5\nC\n>P6\nFTLIEVL\n"


def table(predictions, facts):
    return heading(facts) + "".join(row(found, facts.organism) for found in predictions)


def test_table_of_every_type(predictions, facts):
    assert table(predictions, facts()) == OTHER


@pytest.mark.parametrize("organism", ["positive", "negative", "archaea"])
def test_every_organism_but_eukarya_is_other(predictions, facts, organism):
    assert table(predictions, facts(organism)) == OTHER


def test_table_of_eukaryotes_sums_types(predictions, facts):
    first, second, *_, last = predictions
    assert table([first, second, last], facts("eukarya")) == EUKARYA


def test_mature_sequences_of_positives(predictions):
    assert "".join(map(mature_record, predictions)) == MATURE


def test_nothing_is_left_behind_a_cut_at_the_end():
    assert mature_record(Prediction("P1", "SP", (), 2, 1.0, (), "MK")) == ""


@pytest.mark.parametrize("mark", ["\t", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028"])
def test_header_never_breaks_a_line_or_column(mark):
    prediction = Prediction(f"P1{mark}x", "NO_SP", (1.0, 0, 0, 0, 0, 0), None, None, ())
    assert row(prediction, "eukarya") == "P1 x\tOTHER\t1.000000\t0.000000\t\n"
