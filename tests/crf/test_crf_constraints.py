"""Which paths the tables of transitions allow."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import ConfigError
from peftsp.labels import ALLOWED_ENDS, ALLOWED_STARTS, ALLOWED_TRANSITIONS, STATE_INDEX


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1.0, 50.0, 1e4]))
def test_hard_paths_are_always_legal(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(constraint_table("peftsp"))
    lengths = [70, 1, 2, 3, 10]
    mask = torch.arange(70) < torch.tensor(lengths)[:, None]
    emissions = torch.randn(5, 70, 37, generator=generator) * scale
    for path, length in zip(crf.decode(emissions, mask).tolist(), lengths, strict=True):
        real = path[:length]
        assert real[0] in ALLOWED_STARTS
        assert real[-1] in ALLOWED_ENDS
        assert set(itertools.pairwise(real)) <= ALLOWED_TRANSITIONS


def test_a_signal_peptide_can_end_outside_which_the_published_table_forbids():
    mask = torch.ones(1, 30, dtype=torch.bool)
    path = ["SP_N"] * 5 + ["SP_H"] * 10 + ["SP_C"] * 5 + ["SP_O"] * 10
    allowed = torch.zeros(1, 30, 37, dtype=torch.bool)
    allowed[0, torch.arange(30), [STATE_INDEX[name] for name in path]] = True
    likelihood = {
        table: LinearChainCRF(constraint_table(table)).log_likelihood(
            torch.zeros(1, 30, 37), mask, allowed
        )
        for table in ("peftsp", "published")
    }
    assert likelihood["peftsp"].isfinite().all()
    assert likelihood["published"].item() == -torch.inf


def test_unknown_options_are_refused():
    with pytest.raises(ConfigError, match=r"crf\.table: expected one of .* found 'mine'"):
        constraint_table("mine")
    with pytest.raises(ConfigError, match=r"crf\.constraint: expected one of hard, soft"):
        LinearChainCRF(constraint_table("peftsp"), "firm")
