"""The recursions against a sum over every path, on small state sets."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peftsp.crf.constraints import Constraints
from peftsp.crf.linear_chain import LinearChainCRF

ALLOWED_OF = {
    "transitions": "allowed_transitions",
    "start_transitions": "allowed_starts",
    "end_transitions": "allowed_ends",
}


def tables(crf):
    """Its scores, minus infinity at what the constraint makes impossible."""
    found = []
    for name, allowed in ALLOWED_OF.items():
        table = crf.get_parameter(name).detach()
        is_possible = getattr(crf, allowed) | (crf.constraint == "soft")
        found.append(table.masked_fill(~is_possible, -torch.inf))
    return found


def random_crf(generator, states, constraint):
    """A CRF over few states in which every state can be reached and left."""
    transitions = torch.rand(states, states, generator=generator) < 0.5
    transitions |= torch.eye(states, dtype=torch.bool)
    starts = torch.rand(states, generator=generator) < 0.5
    ends = torch.rand(states, generator=generator) < 0.5
    starts[0] = ends[0] = True
    crf = LinearChainCRF(Constraints(transitions, starts, ends), constraint).double()
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return crf


@pytest.mark.parametrize("constraint", ["hard", "soft"])
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    states=st.integers(2, 4),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
)
def test_every_quantity_equals_the_sum_over_paths(
    enumerate_paths, constraint, seed, states, lengths, scale
):
    generator = torch.Generator().manual_seed(seed)
    crf = random_crf(generator, states, constraint)
    longest = max(lengths)
    shape = (len(lengths), longest, states)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
    allowed = torch.rand(shape, generator=generator) < 0.7
    allowed[..., 0] = True
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]

    output = crf(emissions, mask, allowed)
    partition = crf.log_partition(emissions, mask)
    paths = crf.decode(emissions, mask)
    # The soft constraint decodes with -20 at forbidden entries, not with what was learned.
    decoding_crf = LinearChainCRF(
        Constraints(crf.allowed_transitions, crf.allowed_starts, crf.allowed_ends), constraint
    ).double()
    for name, parameter in crf.named_parameters():
        allowed_entries = getattr(crf, ALLOWED_OF[name])
        decoding_crf.get_parameter(name).data = parameter.data.masked_fill(~allowed_entries, -20.0)

    for row, length in enumerate(lengths):
        paths_of_row = enumerate_paths(*tables(crf), emissions[row, :length])
        torch.testing.assert_close(partition[row], paths_of_row.log_partition())
        torch.testing.assert_close(
            output.log_likelihood[row], paths_of_row.log_likelihood(allowed[row])
        )
        torch.testing.assert_close(output.marginals[row, :length], paths_of_row.marginals())
        assert (output.marginals[row, length:] == 0).all()
        decoded = enumerate_paths(*tables(decoding_crf), emissions[row, :length])
        assert paths[row, :length].tolist() == decoded.best()
        assert (paths[row, length:] == -1).all()
