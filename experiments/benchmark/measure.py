"""Rounds in which every contender has its turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from experiments.benchmark.contender import STAGES, Answer, Contender, Stopwatch
from experiments.benchmark.contenders import ENTRIES, REFERENCE, TRAIN
from experiments.benchmark.products import MatrixProduct
from experiments.benchmark.workload import Task

WARM_UPS = 1


@dataclass
class Timings:
    """What the rounds gave.

    Attributes:
        seconds: By contender, a value a round.
        stages: By contender, seconds of each of `STAGES`, a value a round.
        products: By precision, operations a second of a large matrix product, a value a round.
        unchanged: By contender, proteins whose type and site are those of the reference.
        answered: Proteins predicted by each.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    products: dict[str, list[float]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    answered: int = 0


def run_rounds(
    contenders: dict[str, Contender], mode: str, tasks: Iterator[Task], rounds: int
) -> Timings:
    """Let contenders take turns; the order moves on by one each round."""
    device = next(next(iter(contenders.values())).modules.parameters()).device
    products = {p: MatrixProduct(device, p) for p in {ENTRIES[n].precision for n in contenders}}
    timings = Timings(
        seconds={name: [] for name in contenders},
        stages={name: [] for name in contenders},
        products={precision: [] for precision in products},
        unchanged=dict.fromkeys(contenders, 0),
    )
    if mode == TRAIN:
        for contender in contenders.values():
            contender.prepare_training()
    names = list(contenders)
    for index in range(-WARM_UPS, rounds):
        task = next(tasks)
        turn = index % len(names)
        answers = {}
        for name in names[turn:] + names[:turn]:
            watch = Stopwatch(device)
            seconds, answers[name] = _time(contenders[name], mode, task, watch)
            if index >= 0:
                timings.seconds[name].append(seconds)
                timings.stages[name].append(watch.seconds)
        if index >= 0:
            for precision, product in products.items():
                timings.products[precision].append(product.rate())
            if mode != TRAIN:
                _count_unchanged(answers, timings)
    return timings


def _time(
    contender: Contender, mode: str, task: Task, watch: Stopwatch
) -> tuple[float, Answer | None]:
    contender.meet(task)
    gc.collect()
    started = time.perf_counter()
    if mode == TRAIN:
        contender.train_step(task, watch)
        return time.perf_counter() - started, None
    answer = contender.predict(task, watch)
    return time.perf_counter() - started, answer


def _count_unchanged(answers: dict[str, Answer], timings: Timings) -> None:
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
