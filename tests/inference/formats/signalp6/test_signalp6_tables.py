"""The table, the mature sequences and the two GFF files against text written by hand."""

import pytest

from peftsp.inference.formats.signalp6.tables import (
    GFF_HEADING,
    mature_record,
    peptide_line,
    region_lines,
    row,
    table_heading,
)
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
PEPTIDES = (
    "## gff-version 3\n"
    "P2\tSignalP-6.0\tsignal_peptide\t1\t20\t0.9000000\t.\t.\t.\n"
    "P3 lipo\tSignalP-6.0\tlipoprotein_signal_peptide\t1\t5\t0.7500000\t.\t.\t.\n"
    "P4\tSignalP-6.0\tsignal_peptide\t1\t9\t1.0000000\t.\t.\tNote=TAT\n"
    "P5\tSignalP-6.0\tlipoprotein_signal_peptide\t1\t9\t1.0000000\t.\t.\tNote=TAT\n"
    "P6\tSignalP-6.0\tsignal_peptide\t1\t3\t0.9000000\t.\t.\tNote=Pilin\n"
)
REGIONS = (
    "## gff-version 3\n"
    "P2\tSignalP-6.0\tn-region\t1\t2\t.\t.\t.\t.\n"
    "P2\tSignalP-6.0\th-region\t3\t9\t.\t.\t.\t.\n"
    "P2\tSignalP-6.0\tc-region\t10\t20\t.\t.\t.\t.\n"
    "P3 lipo\tSignalP-6.0\tn-region\t1\t1\t.\t.\t.\t.\n"
    "P3 lipo\tSignalP-6.0\th-region\t2\t3\t.\t.\t.\t.\n"
    "P3 lipo\tSignalP-6.0\tc-region\t4\t5\t.\t.\t.\t.\n"
    "P3 lipo\tSignalP-6.0\tlipid-modified cysteine\t6\t6\t.\t.\t.\t.\n"
    "P4\tSignalP-6.0\tn-region\t1\t5\t.\t.\t.\t.\n"
    "P4\tSignalP-6.0\ttwin-arginine motif\t3\t4\t.\t.\t.\t.\n"
    "P4\tSignalP-6.0\th-region\t6\t7\t.\t.\t.\t.\n"
    "P4\tSignalP-6.0\tc-region\t8\t9\t.\t.\t.\t.\n"
    "P5\tSignalP-6.0\tn-region\t1\t5\t.\t.\t.\t.\n"
    "P5\tSignalP-6.0\ttwin-arginine motif\t3\t4\t.\t.\t.\t.\n"
    "P5\tSignalP-6.0\th-region\t6\t7\t.\t.\t.\t.\n"
    "P5\tSignalP-6.0\tc-region\t8\t9\t.\t.\t.\t.\n"
    "P5\tSignalP-6.0\tlipid-modified cysteine\t10\t10\t.\t.\t.\t.\n"
    "P6\tSignalP-6.0\tn-region\t1\t3\t.\t.\t.\t.\n"
    "P6\tSignalP-6.0\th-region\t6\t9\t.\t.\t.\t.\n"
)


def table(predictions, facts):
    return table_heading(facts) + "".join(row(found, facts.kingdom) for found in predictions)


def test_table_of_every_type(predictions, facts):
    assert table(predictions, facts()) == OTHER


@pytest.mark.parametrize("kingdom", ["positive", "negative", "archaea"])
def test_every_kingdom_but_eukarya_is_other(predictions, facts, kingdom):
    assert table(predictions, facts(kingdom)) == OTHER


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


def test_signal_peptides_of_every_type(predictions):
    assert GFF_HEADING + "".join(map(peptide_line, predictions)) == PEPTIDES


def test_regions_and_motifs_of_every_type(predictions):
    assert GFF_HEADING + "".join(map(region_lines, predictions)) == REGIONS


def test_a_site_without_a_type_is_no_signal_peptide():
    prediction = Prediction("P1", "NO_SP", (1.0, 0, 0, 0, 0, 0), 7, 0.5, (), "MKLAAFV")
    assert peptide_line(prediction) == region_lines(prediction) == ""
