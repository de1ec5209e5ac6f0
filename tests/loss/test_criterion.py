"""The terms of the loss together, beside PyTorch's own smoothed cross entropy."""

import pytest
import torch
from torch.nn import functional

from peftsp.errors import ConfigError
from peftsp.labels import SP_TYPES, TYPE_OF_STATE
from peftsp.loss.criterion import Criterion


def batch_of_types(sequences=5):
    """Marginals, labels that are types alone, and the types' log-odds."""
    generator = torch.manual_seed(0)
    marginals = torch.rand(sequences, 3, 37, dtype=torch.float64, generator=generator)
    marginals /= marginals.sum(-1, keepdim=True)
    types = torch.zeros(sequences, len(SP_TYPES), dtype=torch.float64)
    types.index_add_(1, torch.tensor(TYPE_OF_STATE), marginals.mean(dim=1))
    labels = torch.arange(sequences) % len(SP_TYPES)
    return marginals, labels, types.log()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothing_is_that_of_pytorch(smoothing):
    marginals, labels, log_odds = batch_of_types()
    criterion = Criterion(focusing=0.0, smoothing=smoothing, regularisation=0.0)
    likelihood = log_odds[torch.arange(len(labels)), labels]
    tokens = torch.zeros(5, 3, dtype=torch.int64)
    parts = criterion(likelihood, marginals, tokens, tokens == 0, labels)
    expected = functional.cross_entropy(log_odds, labels, label_smoothing=smoothing)
    torch.testing.assert_close(parts["loss"], expected)
    torch.testing.assert_close(parts["nll"], functional.cross_entropy(log_odds, labels))


@pytest.mark.parametrize(
    ("settings", "used"),
    [((0.0, 0.0, 0.0), False), ((2.0, 0.0, 0.0), False), ((0, 0.1, 0), True), ((0, 0, 0.5), True)],
)
def test_marginals_get_a_gradient_where_a_term_is_made_of_them(settings, used):
    """Without one the CRF need not go back through them."""
    marginals, labels, log_odds = batch_of_types()
    likelihood = log_odds[torch.arange(5), labels].detach().requires_grad_()
    tokens = torch.arange(4, 19).view(5, 3)
    parts = Criterion(*settings)(likelihood, marginals.requires_grad_(), tokens, tokens > 0, labels)
    parts["loss"].backward()
    assert (marginals.grad is not None) == used


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((0.5, 0.0, 0.0), "loss.focusing: expected 0, or 1 and above, found 0.5"),
        ((-1.0, 0.0, 0.0), "loss.focusing: .* found -1.0"),
        ((0.0, 1.0, 0.0), "loss.smoothing: expected 0 <= share < 1, found 1.0"),
        ((0.0, True, 0.0), "loss.smoothing: .* found True"),
        ((0.0, 0.0, -0.5), "regularisation.weight: expected a number of 0 or more, found -0.5"),
        ((0.0, 0.0, "much"), "regularisation.weight: .* found much"),
        ((float("nan"), 0.0, 0.0), "loss.focusing: .* found nan"),
    ],
)
def test_a_setting_out_of_its_range_is_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        Criterion(*settings)
