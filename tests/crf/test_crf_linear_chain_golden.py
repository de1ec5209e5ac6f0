"""The soft constraint against recordings of the published reference."""

import numpy as np
import pytest
import torch

from peftsp.crf.constraints import Constraints
from peftsp.crf.linear_chain import LinearChainCRF

CASES = (
    "case0_full_mask",
    "case1_variable_len",
    "case2_drifted_constraints",
    "case3_large_emissions",
    "case4_very_short",
    "case5_allstates_and_onehot",
    "case6_unconstrained",
)
TOLERANCE = {"": {"rtol": 1e-4, "atol": 2e-3}, "_f64": {"rtol": 1e-10, "atol": 1e-8}}


class Recording:
    """One recorded case: inputs, a CRF with its parameters, expected outputs."""

    def __init__(self, path, suffix):
        self.arrays = np.load(path)
        self.suffix = suffix
        self.tolerance = TOLERANCE[suffix]
        self.dtype = torch.float64 if suffix else torch.float32
        self.emissions = self.input("emissions").to(self.dtype).requires_grad_()
        self.mask = self.input("mask").bool()
        self.allowed = self.input("tag_bitmap") == 1
        self.crf = self.build_crf()

    def input(self, name):
        return torch.from_numpy(self.arrays[name])

    def output(self, name):
        return self.arrays[name + self.suffix]

    def build_crf(self):
        allowed = [
            self.input(f"constraint_{part}").bool() for part in ("mask", "start_mask", "end_mask")
        ]
        crf = LinearChainCRF(Constraints(*allowed), "soft").to(self.dtype)
        for name in ("transitions", "start_transitions", "end_transitions"):
            getattr(crf, name).data = self.input(name).to(self.dtype)
        return crf

    def check(self, found, name):
        np.testing.assert_allclose(
            found.detach().numpy(), self.output(name), err_msg=name, **self.tolerance
        )


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture(params=["", "_f64"], ids=["float32", "float64"])
def recording(shared, case, request):
    return Recording(shared / "golden" / "crf" / f"{case}.npz", request.param)


def test_likelihood_partition_and_gradients_equal_the_reference(recording):
    crf = recording.crf
    likelihood = crf.log_likelihood(recording.emissions, recording.mask, recording.allowed)
    recording.check(likelihood, "llh")
    recording.check(crf.log_partition(recording.emissions, recording.mask), "log_denominator")
    (-likelihood.mean()).backward()
    recording.check(recording.emissions.grad, "grad_emissions")
    for name in ("transitions", "start_transitions", "end_transitions"):
        recording.check(getattr(crf, name).grad, f"grad_{name}")


def test_marginals_equal_the_reference(recording):
    output = recording.crf(recording.emissions, recording.mask, recording.allowed)
    is_real = recording.mask.unsqueeze(-1).numpy()
    np.testing.assert_allclose(
        output.marginals.detach().numpy(),
        recording.output("marginals") * is_real,
        **recording.tolerance,
    )
    torch.testing.assert_close(
        output.marginals, recording.crf.marginals(recording.emissions, recording.mask)
    )


def test_paths_equal_the_reference(recording):
    path = recording.crf.decode(recording.emissions, recording.mask)
    np.testing.assert_array_equal(path.numpy(), recording.output("viterbi"))


def test_forced_paths_equal_the_reference(shared, case):
    # In float32 the bonus of 1e5 costs the digits that decide between close paths.
    recording = Recording(shared / "golden" / "crf" / f"{case}.npz", "_f64")
    if "viterbi_forced" not in recording.arrays:
        pytest.skip("recorded only where every sequence has two residues or more")
    forced = recording.emissions.detach().clone()
    states = recording.input("forced_init_states")
    for row, state in enumerate(states.tolist()):
        if state:
            forced[row, 0, state] += 1e4
            forced[row, 1, state] += 1e5
    path = recording.crf.decode(forced, recording.mask)
    np.testing.assert_array_equal(path.numpy(), recording.output("viterbi_forced"))
