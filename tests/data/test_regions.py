import itertools

import numpy as np
import pytest

from peftsp.data.legality import has_legal_path
from peftsp.data.regions import cleavage_site, region_bitmap, region_bitmaps
from peftsp.labels import ANNOTATION_LETTER, STATE_INDEX, STATES, UNKNOWN_TOPOLOGY
from peftsp.records import LabelledRecord


@pytest.fixture(scope="module")
def bitmaps(real_records):
    return region_bitmaps(real_records)


def record(sp_type: str, residues: str, annotation: str) -> LabelledRecord:
    return LabelledRecord("P1", "NEGATIVE", sp_type, 0, residues, annotation)


def spans(bitmap: np.ndarray) -> dict[str, tuple[int, ...]]:
    """State to the positions where it is allowed."""
    return {
        STATES[s]: tuple(np.flatnonzero(bitmap[:, s]).tolist())
        for s in np.flatnonzero(bitmap.any(axis=0))
    }


def test_every_real_record_has_a_legal_path(bitmaps, golden_labels):
    assert has_legal_path(bitmaps, golden_labels["lengths"]).all()


def test_equals_published_bitmaps_but_for_76_records_without_path(
    bitmaps, golden_bitmaps, golden_labels
):
    differs = (bitmaps != golden_bitmaps).any(axis=(1, 2))
    is_legal = has_legal_path(golden_bitmaps, golden_labels["lengths"])
    assert np.array_equal(differs, ~is_legal)
    assert differs.sum() == 76


def test_mended_pilins_differ_in_the_last_membrane_residue_alone(
    bitmaps, golden_bitmaps, real_records
):
    changed = 0
    for index, real in enumerate(real_records):
        if real.sp_type != "PILIN" or np.array_equal(bitmaps[index], golden_bitmaps[index]):
            continue
        expected = golden_bitmaps[index].copy()
        expected[real.annotation.rfind("M"), STATE_INDEX["PILIN_H"]] = True
        assert np.array_equal(bitmaps[index], expected)
        changed += 1
    assert changed == 68


def test_mended_tats_differ_in_motif_and_h_region_alone(bitmaps, golden_bitmaps, real_records):
    changed = 0
    for index, real in enumerate(real_records):
        difference = bitmaps[index] != golden_bitmaps[index]
        if real.sp_type != "TAT" or not difference.any():
            continue
        states = {STATES[s] for s in np.flatnonzero(difference.any(axis=0))}
        assert states <= {"TAT_N", "TAT_RR", "TAT_H"}
        motif = spans(bitmaps[index])["TAT_RR"]
        assert "RR" in (real.residues[motif[0] : motif[1] + 1])
        assert motif[1] < spans(golden_bitmaps[index])["TAT_RR"][1]
        changed += 1
    assert changed == 8


def test_tora_gets_its_true_twin_arginine(bitmaps, real_records):
    index = next(i for i, real in enumerate(real_records) if real.accession == "P33225")
    start, end = spans(bitmaps[index])["TAT_RR"]
    assert real_records[index].residues[start - 1 : end + 5] == "RRRFLAQ"


def test_cleavage_sites_equal_the_published_ones(real_records, golden_labels):
    found = [cleavage_site(real) for real in real_records]
    assert [-1 if site is None else site for site in found] == (
        golden_labels["cleavage_site"].tolist()
    )


def test_rows_beyond_the_end_are_empty(bitmaps, golden_labels):
    beyond = np.arange(70) >= golden_labels["lengths"][:, None]
    assert beyond.any()
    assert not bitmaps[beyond].any()


def test_sp_regions_by_hand():
    # The window from 4 to 10 holds 7 leucines; the position after its middle is 8.
    residues, annotation = "MKKSLLLLLLLSAQAEEE", "S" * 15 + "OOO"
    assert spans(region_bitmap(record("SP", residues, annotation))) == {
        "SP_N": tuple(range(8)),
        "SP_H": tuple(range(2, 12)),
        "SP_C": tuple(range(9, 15)),
        "SP_O": (15, 16, 17),
    }


def test_tat_without_usable_arginine_has_the_borders_of_lipo():
    residues, annotation = "MKKSLLLLLLLSAQAEEE", "T" * 15 + "OOO"
    tat = region_bitmap(record("TAT", residues, annotation))
    assert spans(tat) == {
        "TAT_N": tuple(range(8)),
        "TAT_H": tuple(range(2, 13)),
        "TAT_C": tuple(range(9, 15)),
        "TAT_O": (15, 16, 17),
    }
    assert has_legal_path(tat[None], np.array([18])).all()


@pytest.mark.parametrize("start", ["R", "RR", "KR", "RRRR"])
def test_tat_whose_first_residue_is_arginine_has_a_path(start):
    residues = start + "SLLLLLLLLSAQAEEE"
    annotation = "T" * (len(residues) - 3) + "OOO"
    tat = region_bitmap(record("TAT", residues, annotation))
    assert has_legal_path(tat[None], np.array([len(residues)])).all()


def test_pilin_that_needs_no_mend_keeps_the_published_h_region():
    # Two outside residues after the CS stretch leave room for h and then O.
    residues = "MKKG" + "FTLIELV" + "L" * 8 + "EEEE"
    annotation = "PPPP" + "OOOOOOO" + "M" * 8 + "OOOO"
    assert spans(region_bitmap(record("PILIN", residues, annotation)))["PILIN_H"] == tuple(
        range(9, 18)
    )
    annotation = "PPPP" + "OOOOOO" + "M" * 9 + "OOOO"
    assert spans(region_bitmap(record("PILIN", residues, annotation)))["PILIN_H"] == tuple(
        range(9, 19)
    )


@pytest.mark.parametrize("sp_type", ["SP", "LIPO", "TAT", "TATLIPO", "PILIN"])
def test_no_odd_record_crashes_or_marks_beyond_its_signal_peptide(sp_type):
    letter = {"SP": "S", "LIPO": "L", "PILIN": "P"}.get(sp_type, "T")
    last = {"SP": "SP_C", "LIPO": "LIPO_CS", "TAT": "TAT_C", "TATLIPO": "TATLIPO_CS"}
    tails, repeats = ("", "O", "OOO", "OMMO", "MI"), ("MR", "ARL", "XBZJ")
    for length, tail, repeat in itertools.product(range(1, 12), tails, repeats):
        annotation = letter * length + tail
        residues = (repeat * 30)[: len(annotation)]
        bitmap = region_bitmap(record(sp_type, residues, annotation))
        assert bitmap.shape == (len(residues), 37)
        positions = spans(bitmap).get(last.get(sp_type, "PILIN_P"), ())
        assert all(position < length for position in positions)


@pytest.mark.parametrize("sp_type", ["NO_SP", "SP", "LIPO", "TAT", "TATLIPO", "PILIN"])
def test_unknown_topology_allows_all_that_may_lie_outside_the_signal_peptide(sp_type):
    residues = "MKRRSFLKLLLLLLLLLLAGACSSNEEEAAAKKKVVVLLLEEE"
    letter = ANNOTATION_LETTER[sp_type] or ""
    topology = "M" * 15 if sp_type == "PILIN" else ""
    cut = 21 if letter else 0
    behind = len(residues) - cut
    known = record(sp_type, residues, letter * cut + "O" * 6 + topology.ljust(behind - 6, "O"))
    unknown = record(sp_type, residues, letter * cut + UNKNOWN_TOPOLOGY * behind)
    bitmap = region_bitmap(unknown)
    assert (bitmap >= region_bitmap(known)).all()
    free = [STATE_INDEX[f"{sp_type}_{topology}"] for topology in "IMO"]
    is_cysteine = sp_type in ("LIPO", "TATLIPO")
    assert bitmap[cut + is_cysteine :, free].all()
    assert not bitmap[:cut, free].any()
    assert has_legal_path(bitmap[None], np.array([len(residues)])).all()
