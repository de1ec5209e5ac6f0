"""Whether all contenders compute the same."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.contender import Contender, Stopwatch
from benchmarks.contenders import (
    ENTRIES,
    HUGGING_FACE,
    PREDICT,
    REFERENCE,
    TRAIN,
    build,
)
from benchmarks.ours import Ours
from benchmarks.reference import Reference
from benchmarks.workload import Task, Workload

TOLERANCES = {
    ("emissions", "fp32"): 1e-4,
    ("emissions", "bf16"): 0.3,
    ("emissions", "int8"): 0.6,
    ("emissions", "fp16"): 2e-2,
    ("loss", "fp16"): 1e-3,
    ("gradients", "fp16"): 2e-2,
    ("log-likelihood", "fp32"): 1e-4,
    ("marginals", "fp32"): 1e-4,
    ("loss", "fp32"): 1e-4,
    ("gradients", "fp32"): 1e-3,
    ("differing answers", "fp32"): 0.0,
}
"""Largest difference by what is compared and exactness. Emissions and marginals: absolute, of
emissions around 1. Log-likelihood and loss: relative. Gradients: norm of the difference over the
norm. What is not named, in less precision, is not compared."""

_ONE_PATH = "peftsp-one-path"


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        contender: Who was compared.
        with_whom: With which contender.
        mode: ``train`` or ``predict``.
        what: A key of `TOLERANCES`.
        difference: The largest found.
        tolerance: The largest allowed.
    """

    contender: str
    with_whom: str
    mode: str
    what: str
    difference: float
    tolerance: float

    @property
    def is_passed(self) -> bool:
        """False also for a difference that is no number."""
        return self.difference <= self.tolerance


def check_training(workload: Workload, contenders: dict[str, Contender], task: Task) -> list[Check]:
    """Compare emissions, likelihoods, losses and gradients, without dropout.

    pytorch-crf has another objective, so that its loss and gradients are compared with those of
    peftsp for that objective.
    """
    device = task.paths.device
    reference = contenders.get(REFERENCE) or build(REFERENCE, workload, device, TRAIN)
    one_path = build(_ONE_PATH, workload, device, TRAIN)
    checks = []
    for name, contender in contenders.items():
        switches = ENTRIES[name].switches
        is_one_path = switches is not None and switches.trains_one_path
        contender.meet(task)
        found = [("emissions", _difference(*_emissions(contender, reference, task)))]
        if isinstance(contender, Ours) and not is_one_path:
            found += _compare_crf(contender, reference, task)
        if name != HUGGING_FACE and not is_one_path:
            found += _compare_backward(contender, reference, task)
        checks += _checks(name, REFERENCE, TRAIN, found)
        if name == HUGGING_FACE:
            found = _compare_backward(contender, one_path, task)
            checks += _checks(name, _ONE_PATH, TRAIN, found)
    return checks


def check_prediction(
    workload: Workload, contenders: dict[str, Contender], task: Task
) -> list[Check]:
    """Compare emissions and answers."""
    device = task.paths.device
    reference = contenders.get(REFERENCE) or build(REFERENCE, workload, device, PREDICT)
    expected = reference.predict(task, Stopwatch(device))
    checks = []
    for name, contender in contenders.items():
        answer = contender.predict(task, Stopwatch(device))
        differs = (answer.sites != expected.sites) | (answer.path_types != expected.path_types)
        if answer.types is not None:
            differs |= answer.types != expected.types
        found = [
            ("emissions", _difference(*_emissions(contender, reference, task))),
            ("differing answers", differs.float().mean().item()),
        ]
        checks += _checks(name, REFERENCE, PREDICT, found)
    return checks


def _checks(name: str, with_whom: str, mode: str, found: list[tuple[str, float]]) -> list[Check]:
    exactness = ENTRIES[name].exactness
    return [
        Check(name, with_whom, mode, what, difference, TOLERANCES[what, exactness])
        for what, difference in found
        if (what, exactness) in TOLERANCES
    ]


@torch.no_grad()
def _emissions(one: Contender, other: Contender, task: Task) -> tuple[Tensor, Tensor]:
    mask = task.batch.residue_mask
    first, second = (who.emissions(who.residues(task), task)[mask] for who in (one, other))
    return first.float(), second.float()


@torch.no_grad()
def _compare_crf(ours: Ours, reference: Contender, task: Task) -> list[tuple[str, float]]:
    assert isinstance(reference, Reference)
    found = [c.likelihood(c.emissions(c.residues(task), task), task) for c in (ours, reference)]
    (likelihood, marginals), (expected, expected_marginals) = found
    return [
        ("log-likelihood", _relative(likelihood, expected)),
        ("marginals", _difference(marginals, expected_marginals)),
    ]


def _compare_backward(one: Contender, other: Contender, task: Task) -> list[tuple[str, float]]:
    losses, gradients = [], []
    for contender in (one, other):
        contender.modules.zero_grad()
        losses.append(contender.backward(task, Stopwatch(task.paths.device)))
        gradients.append(contender.adapter_gradients())
        contender.modules.zero_grad()
    found = [("loss", _relative(*losses))]
    first, second = gradients
    if second:
        worst = max(
            ((first[name] - second[name]).norm() / second[name].norm()).item() for name in second
        )
        found.append(("gradients", worst))
    return found


def _difference(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item()


def _relative(one: Tensor, other: Tensor) -> float:
    return ((one - other).abs() / other.abs()).max().item()
