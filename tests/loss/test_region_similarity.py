import math

import numpy as np
import pytest
import torch
from esm.data import Alphabet

from peftsp.alphabet import STANDARD_RESIDUE_TOKENS
from peftsp.labels import STATES
from peftsp.loss.region_similarity import (
    RegionRegularisation,
    region_similarity,
)

REFERENCE_TOKENS = range(5, 25)
GOLDEN_CASES = (
    "case0_random_mask",
    "case1_label_like_variable_len",
    "case2_no_mask_argument",
    "case3_peaked",
)
SP, LIPO, TAT = 1, 2, 3
REGION_ENDINGS = {"n": ("_N",), "h": ("_H",), "c": ("SP_C", "TAT_C")}


def states_of(region):
    """States of a region by their names; TAT's twin arginines belong to none."""
    endings = REGION_ENDINGS[region]
    return [i for i, name in enumerate(STATES) if name.endswith(endings)]


def random_batch(*, sequences=7, residues=30, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(sequences, residues, 37, generator=generator, dtype=torch.float64)
    tokens = torch.randint(4, 25, (sequences, residues), generator=generator)
    lengths = torch.randint(5, residues + 1, (sequences, 1), generator=generator)
    mask = torch.arange(residues) < lengths
    sp_types = torch.arange(sequences) % 6
    return logits.softmax(-1).to(dtype), tokens, mask, sp_types


def similarity_by_loops(marginals, tokens, mask, sp_types, residue_tokens):
    pairs = []
    for row in range(len(sp_types)):
        counts = {region: dict.fromkeys(residue_tokens, 0.0) for region in "nhc"}
        for position in range(tokens.shape[1]):
            token = int(tokens[row, position])
            if mask[row, position] and token in residue_tokens:
                for region, count in counts.items():
                    count[token] += sum(
                        float(marginals[row, position, s]) for s in states_of(region)
                    )
        n, h, c = (np.array(list(count.values())) for count in counts.values())
        pairs.append(
            (
                n @ h / math.sqrt(n @ n * (h @ h)) if sp_types[row] in (SP, LIPO) else 0.0,
                h @ c / math.sqrt(h @ h * (c @ c)) if sp_types[row] in (SP, TAT) else 0.0,
            )
        )
    return torch.tensor(pairs, dtype=torch.float64).unbind(1)


def loss_and_gradient(marginals, *rest, **kwargs):
    leaf = marginals.detach().clone().requires_grad_()
    n_h, h_c = region_similarity(leaf, *rest, **kwargs)
    (0.5 * (n_h.mean() + h_c.mean())).backward()
    return n_h.detach(), h_c.detach(), leaf.grad


@pytest.mark.parametrize(
    ("dtype", "suffix", "tolerance"), [(torch.float32, "", 1e-6), (torch.float64, "_f64", 1e-12)]
)
@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_golden_values_and_gradients_with_the_reference_residues(
    shared, name, dtype, suffix, tolerance
):
    case = np.load(shared / "golden" / "regularizer" / f"{name}.npz")
    tokens = torch.from_numpy(case["token_ids"])
    mask = torch.from_numpy(case["mask"]).bool() if case["used_mask"] else tokens >= 0
    n_h, h_c, gradient = loss_and_gradient(
        torch.from_numpy(case["marginals"]).to(dtype),
        tokens,
        mask,
        torch.from_numpy(case["global_label"]),
        residue_tokens=REFERENCE_TOKENS,
    )
    expected = [torch.from_numpy(case[f"{key}{suffix}"]) for key in ("n_h", "h_c")]
    torch.testing.assert_close(n_h, expected[0], rtol=0, atol=tolerance)
    torch.testing.assert_close(h_c, expected[1], rtol=0, atol=tolerance)
    expected_gradient = torch.from_numpy(case[f"grad_marginals{suffix}"])
    # Rounding is relative to a sequence's greatest entry, up to 1e5 for an improbable region.
    scale = expected_gradient.abs().amax((1, 2), keepdim=True).clamp(min=1e-3)
    torch.testing.assert_close(gradient / scale, expected_gradient / scale, rtol=0, atol=tolerance)


def test_every_golden_case_is_tested(shared):
    found = {path.stem for path in (shared / "golden" / "regularizer").glob("*.npz")}
    assert found == set(GOLDEN_CASES)


def test_standard_residue_tokens_are_the_twenty_residues():
    names = {Alphabet.from_architecture("ESM-1b").get_tok(i) for i in STANDARD_RESIDUE_TOKENS}
    assert names == set("ACDEFGHIKLMNPQRSTVWY")


@pytest.mark.parametrize("residue_tokens", [STANDARD_RESIDUE_TOKENS, REFERENCE_TOKENS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_similarity_equals_a_count_position_by_position(dtype, residue_tokens):
    batch = random_batch(dtype=dtype)
    expected = similarity_by_loops(*batch, residue_tokens)
    found = region_similarity(*batch, residue_tokens=residue_tokens)
    for value, reference in zip(found, expected, strict=True):
        assert value.dtype == dtype
        torch.testing.assert_close(value.double(), reference, rtol=0, atol=1e-6)
    assert (expected[0] > 0).sum() >= 2
    assert (expected[1] > 0).sum() >= 2


def test_gradient_equals_finite_differences():
    marginals, *rest = random_batch(sequences=4, residues=6)
    assert torch.autograd.gradcheck(
        lambda m: region_similarity(m, *rest), marginals.requires_grad_()
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("absent", ["n", "h", "c", "all"])
def test_a_region_without_probability_gives_zero_and_no_gradient(dtype, absent):
    marginals, tokens, mask, _ = random_batch(dtype=dtype)
    marginals[..., states_of(absent) if absent != "all" else slice(None)] = 0.0
    sp_types = torch.ones(len(tokens), dtype=torch.long)
    n_h, h_c, gradient = loss_and_gradient(marginals, tokens, mask, sp_types)
    if absent in ("n", "h", "all"):
        assert not n_h.any()
    if absent in ("h", "c", "all"):
        assert not h_c.any()
    assert gradient.isfinite().all()
    assert gradient.any() == (absent in ("n", "c"))
    if absent != "all":
        assert not gradient[..., states_of(absent)].any()


@pytest.mark.parametrize("scale", [1e-3, 1e-9, 1e-15, 1e-25, 1e-40])
def test_value_and_gradient_stay_finite_as_a_region_vanishes(scale):
    marginals, *rest = random_batch(dtype=torch.float32)
    marginals[..., states_of("c")] *= scale
    for result in loss_and_gradient(marginals, *rest):
        assert result.isfinite().all()


def test_a_row_without_residues_gives_zero_and_no_gradient():
    marginals, tokens, mask, sp_types = random_batch()
    mask[1] = False
    n_h, h_c, gradient = loss_and_gradient(marginals, tokens, mask, sp_types)
    assert n_h[1] == 0
    assert h_c[1] == 0
    assert gradient.isfinite().all()
    assert not gradient[1].any()


def test_padding_does_not_change_the_similarity():
    marginals, tokens, mask, sp_types = random_batch()
    expected = region_similarity(marginals, tokens, mask, sp_types)
    marginals = marginals.masked_fill(~mask.unsqueeze(-1), math.nan)
    n_h, h_c, gradient = loss_and_gradient(marginals, tokens, mask, sp_types)
    torch.testing.assert_close((n_h, h_c), expected)
    assert not gradient[~mask].any()


def test_other_types_have_no_gradient():
    marginals, tokens, mask, _ = random_batch()
    for sp_type in (0, 4, 5):
        results = loss_and_gradient(marginals, tokens, mask, torch.full((7,), sp_type))
        assert not any(result.any() for result in results)


def test_autocast_does_not_lower_the_precision():
    batch = random_batch(dtype=torch.float32)
    expected = region_similarity(*batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = region_similarity(*batch)
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_bfloat16_marginals_are_computed_in_float32():
    marginals, *rest = random_batch(dtype=torch.bfloat16)
    found = region_similarity(marginals, *rest)
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found, region_similarity(marginals.float(), *rest))


def test_loss_term_is_the_weighted_sum_of_means():
    batch = random_batch()
    n_h, h_c = similarity_by_loops(*batch, STANDARD_RESIDUE_TOKENS)
    torch.testing.assert_close(RegionRegularisation(0.25)(*batch), 0.25 * (n_h.mean() + h_c.mean()))
