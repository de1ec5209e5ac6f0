"""Fragments, short and masked sequences get an answer that says so."""

import pytest

from peftsp.inference.compute.evidence import judge
from peftsp.inference.compute.pipeline import Options, predict_records
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import DEFAULT_MODEL, find_model
from peftsp.records import Prediction, Region, SequenceRecord

SIGNAL_PEPTIDE = "MKKTAIAIAVALAGFATVAQA"
MATURE = "APKDNTWYTGAKLGWSQYHDTGFINNNGPTHENQLGAGAFGGYQVNPYVGFEMGYDWLGRM"
LPP = "MKATKLVLGAVILGSTLLAGCSSNAKIDQLSSDVQTLNAKVDQLSNDVNAMRSDVQAAKDDAARANQRLDNMATKYRK"


@pytest.fixture(scope="module")
def predict():
    taggers = load_taggers([find_model(DEFAULT_MODEL)])

    def predict(residues, **options):
        record = SequenceRecord("p", residues)
        (found,) = predict_records([record], taggers, 1, options=Options(**options))
        return found

    return predict


def test_signal_peptide_alone_is_not_cut(predict):
    found = predict(SIGNAL_PEPTIDE)
    assert (found.sp_type, found.cleavage_site, found.regions) == ("SP", None, ())
    assert "ends within the signal peptide" in found.note
    whole = predict(SIGNAL_PEPTIDE + MATURE)
    assert (whole.sp_type, whole.cleavage_site, whole.note) == ("SP", 21, None)


@pytest.mark.parametrize("length", [1, 8, 13])
def test_few_residues_are_no_ground_for_a_call(predict, length):
    found = predict(SIGNAL_PEPTIDE[:length])
    assert found.probability < 0.6
    assert found.cleavage_site is None
    assert "too few known residues" in found.note


@pytest.mark.parametrize("sums_types", [False, True])
def test_unknown_residues_are_no_ground_for_a_call(predict, sums_types):
    for residues in ("X" * 70, "M" + "X" * 99, "M" + "X" * 30 + MATURE):
        found = predict(residues, sums_types=sums_types)
        assert found.probability == pytest.approx(0.5, abs=0.1)
        assert "too few known residues" in found.note


def test_lipoprotein_among_eukaryotes_keeps_its_site(predict):
    found = predict(LPP, sums_types=True)
    assert (found.sp_type, found.cleavage_site) == ("SP", 20)
    assert found.cleavage_site_probability > 0.9


def test_odds_move_with_what_is_missing():
    sure = Prediction("p", "SP", (0, 1.0, 0, 0, 0, 0), 5, 0.8, (Region("n", 1, 5),), "M" * 20)
    half = judge(sure, 0.0, sums_types=False)
    assert half.probabilities == pytest.approx((0.25, 0.55, 0.05, 0.05, 0.05, 0.05))
    assert half.cleavage_site_probability == pytest.approx(0.4)
    assert judge(sure, 0.0, sums_types=True).probabilities == (0.25, 0.75, 0, 0, 0, 0)
    assert judge(sure, 0.9, sums_types=True).cleavage_site is None


def test_note_of_a_signal_peptide_goes_with_it(predict):
    found = predict(SIGNAL_PEPTIDE, min_probability=1.0)
    assert found.sp_type == "NO_SP"
    assert "ends within" not in (found.note or "")
