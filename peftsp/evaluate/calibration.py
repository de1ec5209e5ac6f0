"""A temperature and an offset for each SP type, found on labelled proteins after training.

Vector scaling with one temperature: Guo et al., "On calibration of modern neural networks", ICML
2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from peftsp.errors import BundleError
from peftsp.labels import NO_SP, SP_TYPES, TYPE_OF_STATE
from peftsp.model.bundle import Bundle
from peftsp.model.settings import CRFSettings

_STARTS = "crf.start_transitions"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes calibrated log-odds of SP types of those that a model gives.

    Attributes:
        temperature: What they are divided by.
        offsets: What is added then, by SP type.
    """

    temperature: float
    offsets: Mapping[str, float]

    def apply(self, probabilities: Tensor) -> Tensor:
        """Calibrated probabilities.

        >>> Calibration(2.0, dict.fromkeys(SP_TYPES, 0.0)).apply(
        ...     torch.tensor([[0.81, 0.09, 0.04, 0.03, 0.02, 0.01]], dtype=torch.float64)
        ... )[0, :2]
        tensor([0.4960, 0.1653], dtype=torch.float64)

        Args:
            probabilities: float, ``(N, K)``; rows sum to one.

        Returns:
            As ``probabilities``.
        """
        offsets = probabilities.new_tensor([self.offsets[name] for name in SP_TYPES])
        logits = probabilities.log() / self.temperature + offsets
        return logits.masked_fill(_is_impossible(probabilities), -torch.inf).softmax(dim=-1)

    def expecting(self, seen: float, expected: float) -> Calibration:
        """The same for proteins of which another share has a signal peptide.

        >>> Calibration(1.0, dict.fromkeys(SP_TYPES, 0.0)).expecting(0.5, 0.1).offsets["NO_SP"]
        2.1972245773362196

        Args:
            seen: Share among the proteins that it was found on.
            expected: Share among those to predict.
        """
        shift = math.log((1 - expected) / expected) - math.log((1 - seen) / seen)
        none = SP_TYPES[NO_SP]
        return replace(self, offsets={**self.offsets, none: self.offsets[none] + shift})


def fit_calibration(probabilities: Tensor, sp_types: Tensor) -> Calibration:
    """Find what makes labelled proteins most likely, with a prior around what changes nothing.

    The prior, normal with variance 1 on the offsets and the temperature's logarithm, leaves types
    alone of which there are hardly any proteins, and makes no model sure by a few that it calls
    rightly.
    Proteins whose true type is impossible to the model do not count: nothing would make it likely.

    Args:
        probabilities: float, ``(N, K)``; of each SP type, as the model gives them.
        sp_types: int64, ``(N,)``; ids of the true types.
    """
    is_impossible = _is_impossible(probabilities)
    counts = ~is_impossible.gather(1, sp_types[:, None])[:, 0]
    is_impossible, sp_types = is_impossible[counts], sp_types[counts]
    scores = probabilities[counts].double().log().masked_fill(is_impossible, 0.0)
    # The temperature's logarithm, and the offsets.
    parameters = torch.zeros(1 + len(SP_TYPES), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        offsets = parameters[1:]
        logits = scores / parameters[0].exp() + offsets
        logits = logits.masked_fill(is_impossible, -torch.inf)
        nll = torch.nn.functional.cross_entropy(logits, sp_types, reduction="sum")
        value = (nll + parameters.square().sum() / 2) / max(1, len(sp_types))
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    found = parameters.detach()
    offsets = (found[1:] - found[1 + NO_SP]).tolist()
    return Calibration(found[0].exp().item(), dict(zip(SP_TYPES, offsets, strict=True)))


def calibrate(bundle: Bundle, calibration: Calibration) -> Bundle:
    """A bundle whose model gives calibrated probabilities, and calls types by them.

    Every path begins with one start score. The temperature divides it, so that an offset is
    multiplied by that beforehand; cleavage site and regions of a type stay what they were.

    Args:
        bundle: Of the model whose probabilities were calibrated; see `check_calibratable`.
        calibration: What was found.
    """
    temperature = bundle.crf.temperature * calibration.temperature
    starts = bundle.weights[_STARTS]
    of_state = [calibration.offsets[SP_TYPES[sp_type]] for sp_type in TYPE_OF_STATE]
    shifted = starts + temperature * starts.new_tensor(of_state)
    return replace(
        bundle,
        crf=replace(bundle.crf, temperature=temperature),
        weights={**bundle.weights, _STARTS: shifted},
    )


def check_calibratable(crf: CRFSettings, place: str) -> None:
    """Check that each path of a model is of the SP type that it begins with.

    Args:
        crf: Settings of the model.
        place: The model, for errors.

    Raises:
        BundleError: A path may change its type, so that no score at its start moves that.
    """
    if crf.constraint != "hard" or crf.table == "none":
        raise BundleError(
            f"{place}: expected crf.constraint=hard and a crf.table to calibrate, without which "
            f"paths change their SP type, found {crf.constraint} and {crf.table}"
        )


def _is_impossible(probabilities: Tensor) -> Tensor:
    """As `peftsp.model.temperature.temper_types` has it."""
    return probabilities < torch.finfo(torch.float32).tiny
