import math

import numpy as np
import pytest
import torch

from peftsp.labels import STATES
from peftsp.metrics.regions import (
    path_region_similarity,
    region_lengths,
    region_table,
)

REFERENCE_TOKENS = range(5, 25)
REGULARISER_CASES = (
    "case0_random_mask",
    "case1_label_like_variable_len",
    "case2_no_mask_argument",
    "case3_peaked",
)
N, H, C = (STATES.index(f"SP_{region}") for region in "NHC")
OUTSIDE = STATES.index("SP_O")


def as_reference_keys(rows):
    values = {}
    for row in rows:
        label = ("SP", "LIPO", "TAT", "TATLIPO").index(row.sp_type) + 1
        values[f"Cosine similarity nh {label}"] = row.n_h
        values[f"Cosine similarity hc {label}"] = row.h_c
        for region, length, fraction in zip("nhc", row.lengths, row.fractions, strict=True):
            values[f"Average length {region} {label}"] = length
            values[f"Average SP fraction {region} {label}"] = fraction
    return values


def test_golden_region_table_with_the_reference_residues(metrics_case):
    inputs = metrics_case.inputs
    rows = region_table(
        inputs["pred_path"],
        inputs["token_ids"][:, 1:-1],
        inputs["true_type"],
        inputs["true_cs"],
        residue_tokens=REFERENCE_TOKENS,
    )
    found = as_reference_keys(rows)
    for report in ("get_region_metrics", "report_metrics_kingdom_averaged"):
        expected = {
            key: value
            for key, value in metrics_case.expected.get(report, {}).items()
            if key.startswith(("Cosine", "Average"))
        }
        compared = {key: found[key] for key in expected}
        assert compared == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert found.keys() == {
        key
        for key in metrics_case.expected["get_region_metrics"]
        if key.startswith(("Cosine", "Average"))
    }


def test_golden_lengths_and_fractions_of_each_sequence(metrics_case):
    lengths = region_lengths(metrics_case.inputs["pred_path"])
    for label in range(1, 5):
        is_type = metrics_case.inputs["true_type"] == label
        sites = metrics_case.inputs["true_cs"][is_type]
        for column, region in enumerate("nhc"):
            here = lengths[is_type, column]
            report = metrics_case.expected["get_region_metrics"]
            assert here.tolist() == report.get(f"Lengths {region} {label}", [])
            expected = report.get(f"SP fraction {region} {label}", [])
            assert (here / sites).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", REGULARISER_CASES)
def test_golden_similarities_of_paths_with_the_reference_residues(shared, name):
    case = np.load(shared / "golden" / "regularizer" / f"{name}.npz")
    paths = torch.from_numpy(case["viterbi"])
    n_h, h_c = path_region_similarity(
        paths,
        torch.from_numpy(case["token_ids"]),
        torch.from_numpy(case["global_label"]),
        residue_tokens=REFERENCE_TOKENS,
    )
    np.testing.assert_allclose(n_h, case["class_aware_n_h"], atol=1e-6)
    np.testing.assert_allclose(h_c, case["class_aware_h_c"], atol=1e-6)
    lengths = region_lengths(paths).numpy()
    for column, region in enumerate("nhc"):
        np.testing.assert_array_equal(lengths[:, column], case[f"length_{region}"])


def test_similarity_of_a_path_counted_by_hand():
    # Without the first residue: n has K K, h has L L L K, c has A L.
    tokens = torch.tensor([[20, 15, 15, 4, 4, 4, 15, 5, 4, 15]])
    paths = torch.tensor([[N, N, N, H, H, H, H, C, C, OUTSIDE]])
    n_h, h_c = path_region_similarity(paths, tokens, torch.tensor([1]))
    assert n_h.item() == pytest.approx(1 / math.sqrt(10))
    assert h_c.item() == pytest.approx(3 / math.sqrt(20))


def test_similarity_is_undefined_for_types_without_the_regions():
    paths, tokens = torch.full((6, 4), N), torch.full((6, 4), 15)
    n_h, h_c = path_region_similarity(paths, tokens, torch.arange(6))
    assert n_h.isnan().tolist() == [True, False, False, True, True, True]
    assert h_c.isnan().tolist() == [True, False, True, False, True, True]


def test_similarity_is_zero_for_an_empty_region():
    paths, tokens = torch.tensor([[N, N, H, OUTSIDE]]), torch.full((1, 4), 15)
    n_h, h_c = path_region_similarity(paths, tokens, torch.tensor([1]))
    assert n_h.item() == pytest.approx(1.0)
    assert h_c.item() == 0.0


def test_fractions_leave_out_sequences_without_a_cleavage_site():
    paths = torch.tensor([[N, H, H, C, OUTSIDE, -1], [N, N, H, C, C, OUTSIDE]])
    (row,) = region_table(paths, paths, torch.tensor([1, 1]), torch.tensor([4, -1]))
    assert row.n == 2
    assert row.lengths == (1.5, 1.5, 1.5)
    assert row.fractions == (0.25, 0.5, 0.25)
