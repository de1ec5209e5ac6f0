"""GFF3 against the rules of its specification."""

import re
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.gff3 import GFF3
from peftsp.records import Prediction, Region

FACTS = RunFacts(1, "other", "model", datetime(2026, 1, 1), 1, False)
TAT = Prediction(
    "P1 a twin-arginine protein",
    "TAT",
    (0.0, 0.0, 0.0, 0.875, 0.125, 0.0),
    7,
    0.75,
    (Region("n", 1, 4), Region("h", 5, 6), Region("c", 7, 7)),
    "MRRKLLAAQQ",
    (Region("twin_arginine", 2, 3),),
)
PILIN = Prediction(
    "P2",
    "PILIN",
    (0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    2,
    1.0,
    (Region("n", 1, 2), Region("h", 4, 5)),
    "MGFTLI",
)
NONE = Prediction("P3", "NO_SP", (1.0, 0, 0, 0, 0, 0), None, None, (), "MKL")


def lines_of(predictions, folder):
    GFF3.write(lambda: iter(predictions), folder, FACTS)
    return (folder / "predictions.gff3").read_text().splitlines()


def test_features_of_a_protein(tmp_path):
    expected = """\
##gff-version 3
##sequence-region P1 1 10
P1 peftsp signal_peptide 1 7 0.875000 . . ID=signal_peptide_1;sp_type=TAT;cleavage_site_probability=0.7500
P1 peftsp n_terminal_region 1 4 . . . Parent=signal_peptide_1;Note=n
P1 peftsp polypeptide_motif 2 3 . . . Parent=signal_peptide_1;Note=twin arginine
P1 peftsp central_hydrophobic_region_of_signal_peptide 5 6 . . . Parent=signal_peptide_1;Note=h
P1 peftsp c_terminal_region 7 7 . . . Parent=signal_peptide_1;Note=c
P1 peftsp mature_protein_region 8 10 . . . ID=mature_1"""  # noqa: E501
    found = [line.replace("\t", " ") for line in lines_of([TAT, NONE], tmp_path)]
    assert found == expected.splitlines()


def test_hydrophobic_region_of_a_pilin_is_no_part_of_what_is_cut_off(tmp_path):
    (line,) = [line for line in lines_of([PILIN], tmp_path) if line.endswith("Note=h")]
    columns = line.split("\t")
    assert columns[2:5] == ["hydrophobic_region_of_peptide", "4", "5"]
    assert columns[8] == "Parent=mature_1;Note=h"


def test_several_notes_are_values_of_one_attribute(tmp_path):
    noted = replace(TAT, cleavage_site_probability=0.25, caveats=("too few known residues",))
    _, _, line, *_ = lines_of([noted], tmp_path)
    assert line.endswith(";Note=too few known residues,unsure cleavage site")


def test_unsure_site_is_noted(tmp_path):
    unsure = replace(TAT, cleavage_site_probability=0.25)
    _, _, sure, *_ = lines_of([TAT], tmp_path)
    _, _, noted, *_ = lines_of([unsure], tmp_path)
    assert noted == sure.replace("0.7500", "0.2500") + ";Note=unsure cleavage site"


def test_every_feature_lies_within_its_parent(tmp_path):
    features, children = {}, []
    for line in lines_of([PILIN, TAT, NONE, TAT], tmp_path):
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        assert len(columns) == 9
        attributes = dict(pair.split("=") for pair in columns[8].split(";"))
        span = int(columns[3]), int(columns[4])
        assert 1 <= span[0] <= span[1]
        if "ID" in attributes:
            assert attributes["ID"] not in features
            features[attributes["ID"]] = span
        else:
            children.append((span, attributes["Parent"]))
    assert len(children) == 2 + 4 + 4
    for (start, end), parent in children:
        assert features[parent][0] <= start <= end <= features[parent][1]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(min_size=1).filter(lambda text: text.split()))
def test_identifiers_are_encoded(tmp_path, name):
    header = name.split()[0]
    prediction = Prediction(header, "SP", (0, 1, 0, 0, 0, 0), 1, 1.0, (Region("c", 1, 1),), "MK")
    line = lines_of([prediction], tmp_path)[2]
    identifier = line.split("\t")[0]
    assert re.fullmatch(r"[a-zA-Z0-9.:^*$@!+_?|~%-]+", identifier)
    assert unquote(identifier) == header


def test_region_of_a_repeated_identifier_is_named_once(tmp_path):
    longer = replace(TAT, header="P1 again", residues=TAT.residues + "KK")
    found = lines_of([TAT, PILIN, longer], tmp_path)
    named = [line for line in found if line.startswith("##sequence-region")]
    assert named == ["##sequence-region P1 1 12", "##sequence-region P2 1 6"]


def test_identifier_holds_no_character_but_those_of_the_specification(tmp_path):
    name = "".join(chr(code) for code in range(33, 127)) + "é"
    (column,) = {
        line.split("\t")[0]
        for line in lines_of([replace(TAT, header=name)], tmp_path)
        if not line.startswith("#")
    }
    assert re.fullmatch(r"([a-zA-Z0-9.:^*$@!+_?|-]|%[0-9A-F]{2})+", column)
    assert unquote(column) == name
