"""Kingdoms and groups follow from the names of taxa, older and newer."""

import pytest

from peftsp.prepare.lineage import kingdom_and_group


@pytest.mark.parametrize(
    ("lineage", "expected"),
    [
        ("Eukaryota, Opisthokonta, Metazoa, Chordata", ("EUKARYA", "metazoa")),
        ("Eukaryota, Viridiplantae, Streptophyta", ("EUKARYA", "plants")),
        ("Eukaryota, Sar, Alveolata, Apicomplexa", ("EUKARYA", "protists")),
        ("Archaea, Methanobacteriota, Methanobacteria", ("ARCHAEA", "archaea")),
        ("Bacteria, Terrabacteria group, Firmicutes, Bacilli", ("POSITIVE", "firmicutes")),
        ("Bacteria, Bacillati, Bacillota, Clostridia", ("POSITIVE", "bacillota")),
        ("Bacteria, Bacillati, Actinomycetota, Actinomycetes", ("POSITIVE", "actinomycetota")),
        ("Bacteria, Proteobacteria, Gammaproteobacteria", ("NEGATIVE", "proteobacteria")),
        ("Bacteria, FCB group, Bacteroidota", ("NEGATIVE", "bacteroidota")),
        ("Bacteria, Pseudomonadati, Pseudomonadota", ("NEGATIVE", "pseudomonadota")),
        ("Bacteria, Fusobacteriati, Fusobacteriota", ("NEGATIVE", "fusobacteriota")),
        ("Bacteria, Thermotogati, Deinococcota", ("NEGATIVE", "deinococcota")),
        ("Bacteria, Thermotogati, Thermotogota", ("POSITIVE", "thermotogota")),
        ("Bacteria, unclassified Bacteria", ("UNKNOWN", "unknown")),
        ("Viruses, Duplodnaviria, Heunggongvirae", ("UNKNOWN", "unknown")),
        ("", ("UNKNOWN", "unknown")),
    ],
)
def test_kingdom_and_group_follow_from_the_lineage(lineage, expected):
    assert kingdom_and_group(lineage.split(", ")) == expected


def test_ranks_and_upper_case_do_not_matter():
    lineage = ["cellular organisms (no rank)", "BACTERIA (domain) ", "Bacillota (phylum)"]
    assert kingdom_and_group(lineage) == ("POSITIVE", "bacillota")


def test_name_within_another_is_not_taken_for_it():
    assert kingdom_and_group(["Viruses", "Archaeavirus"])[0] == "UNKNOWN"
    assert kingdom_and_group(["Bacteria", "Pseudomonadota", "Archaeamonas"])[0] == "NEGATIVE"
