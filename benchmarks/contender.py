"""What every contender can do: compute residues, an objective of them, and answers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.workload import Task

GRADIENT_CLIP = 0.25
LEARNING_RATE = 1e-4
STAGES = ("backbone", "crf", "rest")


class Answer(NamedTuple):
    """What a contender says of a batch.

    Attributes:
        types: int64, ``(B,)``; SP types from marginals; None where it computes none.
        sites: int64, ``(B,)``; residues before the cut, -1 where there is none.
        path_types: int64, ``(B,)``; SP types of the best paths.
    """

    types: Tensor | None
    sites: Tensor
    path_types: Tensor


class Stopwatch:
    """Seconds by stage; waits for a GPU at the end of each."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        started = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds[name] += time.perf_counter() - started


class Contender(ABC):
    """A model with the weights of a workload.

    Subclasses fill ``modules`` with all that has parameters; what requires gradients trains.
    """

    modules: nn.ModuleDict
    optimizer: torch.optim.Optimizer | None = None

    @abstractmethod
    def residues(self, task: Task) -> Tensor:
        """Residue representations, float, ``(B, L, D)``."""

    @abstractmethod
    def emissions(self, residues: Tensor, task: Task) -> Tensor:
        """Scores of states, float, ``(B, L, C)``."""

    @abstractmethod
    def objective(self, residues: Tensor, task: Task) -> Tensor:
        """The loss that it trains with, a scalar."""

    @abstractmethod
    def answer(self, residues: Tensor, task: Task) -> Answer:
        """Types and cleavage sites."""

    @abstractmethod
    def adapter_gradients(self) -> dict[str, Tensor]:
        """Gradients of A and B by the names of `Workload.adapter`."""

    def meet(self, task: Task) -> None:  # noqa: B027
        """See a batch before it is timed; for what is computed once and kept."""

    def prepare_training(self) -> None:
        """Dropout on, a fresh optimizer."""
        self.modules.train()
        trained = [p for p in self.modules.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adamax(trained, lr=LEARNING_RATE)

    def train_step(self, task: Task, watch: Stopwatch) -> None:
        """One step of the optimizer."""
        assert self.optimizer is not None
        self.backward(task, watch)
        with watch.stage("rest"):
            parameters = self.optimizer.param_groups[0]["params"]
            nn.utils.clip_grad_norm_(parameters, GRADIENT_CLIP)
            self.optimizer.step()
            self.optimizer.zero_grad()

    def backward(self, task: Task, watch: Stopwatch) -> Tensor:
        """Leave gradients in the parameters and return the loss.

        The graph is cut at the residues, so that the two halves can be timed; it costs nothing.
        """
        with watch.stage("backbone"):
            residues = self.residues(task)
        with watch.stage("crf"):
            cut = residues.detach().requires_grad_(residues.requires_grad)
            loss = self.objective(cut, task)
            loss.backward()
        with watch.stage("backbone"):
            if residues.requires_grad:
                residues.backward(cut.grad)
        return loss.detach()

    @torch.inference_mode()
    def predict(self, task: Task, watch: Stopwatch) -> Answer:
        """Types and cleavage sites of a batch, on the CPU."""
        with watch.stage("backbone"):
            residues = self.residues(task)
        with watch.stage("crf"):
            found = self.answer(residues, task)
            return Answer(*(None if part is None else part.cpu() for part in found))
