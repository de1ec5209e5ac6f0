"""Rounds in which every contender has its turn."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from tqdm import tqdm

from benchmarks.contender import STAGES, Answer
from benchmarks.contenders import ENTRIES, REFERENCE
from benchmarks.products import MatrixProduct
from benchmarks.worker import Worker

WARM_UPS = 1


@dataclass
class Timings:
    """What the rounds gave.

    Attributes:
        seconds: By contender, a value a round.
        stages: By contender, seconds of each of `STAGES`, a value a round.
        memory: By contender, the peak of all rounds, bytes.
        products: By precision, operations a second of a large matrix product, a value a round.
        unchanged: By contender, proteins whose type and site are those of the reference.
        answered: Proteins predicted by each.
    """

    seconds: dict[str, list[float]]
    stages: dict[str, list[dict[str, float]]]
    memory: dict[str, int]
    products: dict[str, list[float]]
    unchanged: dict[str, int]
    answered: int = 0


def run_rounds(workers: Mapping[str, Worker], device: torch.device, rounds: int) -> Timings:
    """Let contenders take turns; the order moves on by one each round.

    The matrix product is run here, between rounds, so that no contender's memory has it.

    Args:
        workers: By the names of their contenders.
        device: Where they compute.
        rounds: How often each is timed, after `WARM_UPS` more.
    """
    names = list(workers)
    products = {p: MatrixProduct(device, p) for p in {ENTRIES[name].precision for name in names}}
    timings = Timings(
        seconds={name: [] for name in names},
        stages={name: [] for name in names},
        memory=dict.fromkeys(names, 0),
        products={precision: [] for precision in products},
        unchanged=dict.fromkeys(names, 0),
    )
    # tqdm takes None for: off unless standard error is a terminal.
    with tqdm(
        total=(WARM_UPS + rounds) * len(names), unit=" steps", leave=False, disable=None
    ) as bar:
        for index in range(-WARM_UPS, rounds):
            turn = index % len(names)
            steps = {}
            for name in names[turn:] + names[:turn]:
                bar.set_description(name)
                steps[name] = workers[name].step()
                bar.update()
            for name, step in steps.items():
                timings.memory[name] = max(timings.memory[name], step.memory)
            if index < 0:
                continue
            for name, step in steps.items():
                timings.seconds[name].append(step.seconds)
                timings.stages[name].append(step.stages)
            for precision, product in products.items():
                timings.products[precision].append(product.rate())
            _count_unchanged({n: s.answer for n, s in steps.items() if s.answer}, timings)
    return timings


def _count_unchanged(answers: dict[str, Answer], timings: Timings) -> None:
    if not answers:
        return
    expected = answers.get(REFERENCE) or next(iter(answers.values()))
    timings.answered += len(expected.sites)
    for name, answer in answers.items():
        is_same = answer.sites == expected.sites
        if answer.types is not None and expected.types is not None:
            is_same &= answer.types == expected.types
        timings.unchanged[name] += int(is_same.sum())


def stage_shares(stages: list[dict[str, float]]) -> dict[str, float]:
    """Share of each stage in the time of all."""
    totals = {name: sum(watched[name] for watched in stages) for name in STAGES}
    return {name: seconds / sum(totals.values()) for name, seconds in totals.items()}


def empty_caches() -> None:
    """Give memory back between models."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
