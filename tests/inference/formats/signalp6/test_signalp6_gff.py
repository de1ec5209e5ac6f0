"""The two GFF files against text written by hand."""

from peftsp.inference.formats.signalp6.gff import HEADING, peptide_line, region_lines
from peftsp.records import Prediction

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


def test_signal_peptides_of_every_type(predictions):
    assert HEADING + "".join(map(peptide_line, predictions)) == PEPTIDES


def test_regions_and_motifs_of_every_type(predictions):
    assert HEADING + "".join(map(region_lines, predictions)) == REGIONS


def test_a_site_without_a_type_is_no_signal_peptide():
    prediction = Prediction("P1", "NO_SP", (1.0, 0, 0, 0, 0, 0), 7, 0.5, (), "MKLAAFV")
    assert peptide_line(prediction) == region_lines(prediction) == ""
