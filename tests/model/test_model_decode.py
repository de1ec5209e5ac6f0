"""Types, cleavage sites and regions, against the sum over every legal path."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.labels import LAST_SP_STATE_OF_TYPE, SP_TYPES, STATES, TYPE_OF_STATE
from peftsp.model.decode import cleavage_sites, decode, site_probability, type_probabilities

TYPES = torch.tensor(TYPE_OF_STATE)


def make_crf(seed):
    torch.manual_seed(seed)
    return LinearChainCRF(constraint_table("peftsp")).double().requires_grad_(False)


def path_probabilities(crf, emissions, paths):
    """Probability of each path, by its score and the sum over all."""
    positions = torch.arange(paths.shape[1])
    scores = emissions[positions, paths].sum(dim=1)
    scores += crf.transitions[paths[:, :-1], paths[:, 1:]].sum(dim=1)
    scores += crf.start_transitions[paths[:, 0]] + crf.end_transitions[paths[:, -1]]
    return scores.softmax(dim=0)


def site_of(path):
    """Residues up to and including the last one in the last state before its type's cut."""
    last = LAST_SP_STATE_OF_TYPE.get(TYPE_OF_STATE[path[0]])
    return max((i + 1 for i, state in enumerate(path) if state == last), default=-1)


@pytest.mark.parametrize("scale", [0.5, 3.0])
@pytest.mark.parametrize("length", [1, 3, 5, 7])
def test_probabilities_equal_the_sum_over_paths(legal_paths, length, scale):
    paths = legal_paths(length)
    path_types = TYPES[paths[:, 0]]
    path_sites = torch.tensor([site_of(path) for path in paths.tolist()])
    found_sites = set()
    for seed in range(6):
        crf = make_crf(seed)
        emissions = scale * torch.randn(length, len(STATES), dtype=torch.float64)
        # A bonus for the types in turn, so that each has its day.
        emissions += torch.where(seed == TYPES, 2.0, 0.0)
        exact = path_probabilities(crf, emissions, paths)
        mask = torch.ones(1, length).bool()
        marginals = crf.marginals(emissions[None], mask)
        for decoded_by_type in (True, False):
            decoded = decode(emissions[None], marginals, mask, crf, decoded_by_type)
            of_type = torch.zeros(len(SP_TYPES), dtype=torch.float64)
            of_type.index_add_(0, path_types, exact)
            torch.testing.assert_close(decoded.probabilities[0], of_type)
            assert decoded.sp_types.item() == of_type.argmax()

            is_candidate = path_types == of_type.argmax() if decoded_by_type else path_types >= 0
            best = paths[is_candidate][exact[is_candidate].argmax()]
            assert decoded.paths[0].tolist() == best.tolist()
            site = site_of(best.tolist())
            assert decoded.cleavage_sites.item() == site
            is_cut_there = (path_sites == site) & (path_types == TYPES[best[0]])
            expected = exact[is_cut_there].sum() if site > 0 else torch.tensor(0.0).double()
            torch.testing.assert_close(decoded.site_probabilities[0], expected)
            found_sites.add(site)
    assert length < 5 or len(found_sites) > 1


def test_best_path_of_all_may_be_of_another_type_than_the_most_probable(legal_paths):
    differing = 0
    for seed in range(40):
        crf = make_crf(seed)
        emissions = torch.randn(1, 8, len(STATES), dtype=torch.float64)
        mask = torch.ones(1, 8).bool()
        marginals = crf.marginals(emissions, mask)
        free = decode(emissions, marginals, mask, crf, within_type=False)
        of_type = decode(emissions, marginals, mask, crf, within_type=True)
        assert torch.equal(free.paths, crf.decode(emissions, mask))
        assert (TYPES[of_type.paths] == of_type.sp_types[:, None]).all()
        assert torch.equal(free.sp_types, of_type.sp_types)
        differing += int(TYPES[free.paths[0, 0]] != free.sp_types[0])
    assert differing > 0


def test_padding_and_neighbours_change_nothing():
    crf = make_crf(0)
    lengths = [9, 6, 2]
    emissions = 2 * torch.randn(3, 9, len(STATES), dtype=torch.float64)
    mask = torch.arange(9) < torch.tensor(lengths)[:, None]
    together = decode(emissions, crf.marginals(emissions, mask), mask, crf, True)
    for row, length in enumerate(lengths):
        cut, whole = emissions[row : row + 1, :length], torch.ones(1, length).bool()
        alone = decode(cut, crf.marginals(cut, whole), whole, crf, True)
        for name, found, expected in zip(alone._fields, together, alone, strict=True):
            found = found[row, :length] if name == "paths" else found[row]
            torch.testing.assert_close(found, expected[0])
        assert (together.paths[row, length:] == -1).all()


def test_type_probabilities_sum_to_one():
    crf = make_crf(0)
    mask = torch.arange(12) < torch.tensor([[12], [5]])
    marginals = crf.marginals(torch.randn(2, 12, len(STATES), dtype=torch.float64), mask)
    torch.testing.assert_close(
        type_probabilities(marginals, mask).sum(dim=1), torch.ones(2, dtype=torch.float64)
    )


def test_no_site_has_probability_zero():
    marginals = torch.rand(1, 4, len(STATES)).softmax(dim=-1)
    paths = torch.zeros(1, 4, dtype=torch.int64)
    assert site_probability(marginals, paths, torch.tensor([-1])).item() == 0


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 36), max_size=12), min_size=1, max_size=5))
def test_cleavage_sites_equal_a_walk_along_the_path(paths):
    final = {STATES.index(name) for name in ("SP_C", "LIPO_CS", "TAT_C", "TATLIPO_CS", "PILIN_P")}
    expected = [
        max((position for position, state in enumerate(path, 1) if state in final), default=-1)
        for path in paths
    ]
    padded = torch.tensor([path + [-1] * (12 - len(path)) for path in paths])
    assert cleavage_sites(padded).tolist() == expected


def test_golden_cleavage_sites_of_paths(shared):
    cases = sorted((shared / "golden" / "metrics").glob("*.npz"))
    assert cases
    for case in cases:
        arrays = np.load(case)
        paths, sites = (torch.from_numpy(arrays[name]) for name in ("pred_path", "pred_cs"))
        torch.testing.assert_close(cleavage_sites(paths), sites)
