"""SP types follow from the features of UniProt by its rules."""

import pytest

from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"
LIPO = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKV"
TAT = "MSRRDFLKLAGLGALAALLPRAAQAAEPLKIGVLTDLSGPY"
PILIN = "MKKGFTLIELMIVVAIIGILAAIAIPAYQDYTARAQLSEA"
EXPERIMENT = 'evidence="ECO:0000269|PubMed:1"'
BY_RULE = 'evidence="ECO:0000255"'


def test_types_of_a_uniprot_table_follow_from_its_features(tmp_path, labels, table):
    signal = f"SIGNAL 1..18; /{EXPERIMENT}"
    lipid = 'LIPID 21; /note="S-diacylglycerol cysteine"; /evidence="ECO:0000255"'
    source = table(
        {"Entry": "P1", "Sequence": SP, "Signal peptide": signal,
         "Taxonomic lineage": "Eukaryota (domain), Fungi (kingdom)"},
        {"Entry": "P2", "Sequence": LIPO, "Lipidation": lipid,
         "Signal peptide": f"SIGNAL 1..20; /{BY_RULE}"},
        {"Entry": "P3", "Sequence": TAT,
         "Signal peptide": f'SIGNAL 1..25; /note="Tat-type signal"; /{BY_RULE}'},
        {"Entry": "P4", "Sequence": PILIN,
         "Propeptide": f'PROPEP 1..4; /note="Leader sequence"; /{BY_RULE}'},
        {"Entry": "P5", "Sequence": SP[::-1].replace("G", "M", 1),
         "Transmembrane": "TRANSMEM 10..25", "Taxonomic lineage": "Bacteria, Bacillota",
         "Topological domain": 'TOPO_DOM 1..9; /note="Cytoplasmic"'},
    )  # fmt: skip
    found = collect([source], None, 0)
    assert not found.unusable
    assert labels(found) == {
        "P1": ("EUKARYA", "SP", 18),
        "P2": ("NEGATIVE", "LIPO", 20),
        "P3": ("NEGATIVE", "TAT", 25),
        "P4": ("NEGATIVE", "PILIN", 4),
        "P5": ("POSITIVE", "NO_SP", None),
    }
    assert found.proteins[0].group == "fungi"
    assert found.proteins[4].record.annotation.startswith("I" * 9 + "M" * 16 + "U")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"Signal peptide": "SIGNAL 1..18"}, "expected evidence manual for the signal peptide"),
        ({"Signal peptide": f"SIGNAL 1..?; /{EXPERIMENT}"}, "found SIGNAL 1..?"),
        ({"Reviewed": "unreviewed"}, "expected a reviewed entry"),
        ({"Reviewed": ""}, "expected a reviewed entry"),
        ({"Signal peptide": f'SIGNAL 1..18; /note="Not cleaved"; /{EXPERIMENT}'}, "Not cleaved"),
        ({"Propeptide": f'PROPEP 1..7; /note="Leader peptide"; /{EXPERIMENT}'}, "end with G"),
    ],
)  # fmt: skip
def test_what_is_unclear_is_listed_with_its_reason(tmp_path, table, row, reason):
    source = table({"Entry": "P1", "Sequence": SP, **row})
    found = collect([source], None, 1)
    assert not found.proteins
    [one] = found.unusable
    assert reason in one.reason
    assert (one.place, one.accession) == (f"{source}:2", "P1")
