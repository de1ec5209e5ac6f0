"""The CRF as a module: its parameters, and what the constraint makes of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from peftsp.crf import functional
from peftsp.crf.constraints import Constraints
from peftsp.crf.graph import FORBIDDEN, ChainScores, StateGraph
from peftsp.errors import ConfigError

CONSTRAINTS = ("hard", "soft")

SOFT_PENALTY = -20.0
"""What the published reference scores a forbidden start, step or end with, at the start and when
decoding."""

INITIAL_RANGE = 3**-0.5
"""Scores start uniform between minus and plus this, as in the published reference."""


class CRFOutput(NamedTuple):
    """What one pass over a labelled batch gives.

    Attributes:
        log_likelihood: float, ``(B,)``.
        marginals: float, ``(B, L, C)``, zero at padding.
    """

    log_likelihood: Tensor
    marginals: Tensor


class LinearChainCRF(nn.Module):
    """A linear-chain CRF with targets that may allow several states at a residue.

    Args:
        constraints: What is allowed.
        constraint: ``hard``: what is not allowed is impossible. ``soft``: the way of the published
            reference, for its checkpoints: forbidden entries are parameters that start at -20 and
            are learned; decoding puts -20 back.

    Raises:
        ConfigError: ``constraint`` is neither.
    """

    sources: Tensor
    is_source: Tensor
    targets: Tensor
    is_target: Tensor
    allowed_transitions: Tensor
    allowed_starts: Tensor
    allowed_ends: Tensor

    def __init__(self, constraints: Constraints, constraint: str = "hard") -> None:
        super().__init__()
        if constraint not in CONSTRAINTS:
            raise ConfigError(
                f"crf.constraint: expected one of {', '.join(CONSTRAINTS)}, found {constraint!r}"
            )
        self.constraint = constraint
        states = len(constraints.starts)
        self.transitions = nn.Parameter(torch.empty(states, states))
        self.start_transitions = nn.Parameter(torch.empty(states))
        self.end_transitions = nn.Parameter(torch.empty(states))
        self.register_buffer("allowed_transitions", constraints.transitions, persistent=False)
        self.register_buffer("allowed_starts", constraints.starts, persistent=False)
        self.register_buffer("allowed_ends", constraints.ends, persistent=False)
        edges = constraints.transitions
        graph = StateGraph.from_allowed(edges if constraint == "hard" else torch.ones_like(edges))
        for name, tensor in graph._asdict().items():
            self.register_buffer(name, tensor, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh scores; forbidden ones get -20, which only ``soft`` ever reads."""
        tables = (
            (self.transitions, self.allowed_transitions),
            (self.start_transitions, self.allowed_starts),
            (self.end_transitions, self.allowed_ends),
        )
        for scores, allowed in tables:
            nn.init.uniform_(scores, -INITIAL_RANGE, INITIAL_RANGE)
            scores.data.masked_fill_(~allowed, SOFT_PENALTY)

    def forward(self, emissions: Tensor, mask: Tensor, allowed: Tensor) -> CRFOutput:
        """Log-likelihood of a target and the marginals, from one shared recursion.

        Args:
            emissions: float, ``(B, L, C)``.
            mask: bool, ``(B, L)``, True at real residues.
            allowed: bool, ``(B, L, C)``; the states that the target permits.

        Raises:
            ValueError: The shapes do not fit, or the mask is not a run of True from the start.
        """
        self._check(emissions, mask, allowed)
        return CRFOutput(*functional.log_likelihood(emissions, mask, allowed, self._scores()))

    def log_likelihood(self, emissions: Tensor, mask: Tensor, allowed: Tensor) -> Tensor:
        """Log-probability of the target, float, ``(B,)``; arguments as for `forward`."""
        self._check(emissions, mask, allowed)
        return functional.log_likelihood(emissions, mask, allowed, self._scores())[0]

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Log-sum of all path scores, float, ``(B,)``; arguments as for `forward`."""
        self._check(emissions, mask)
        return functional.log_partition(emissions, mask, self._scores())

    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """State probabilities, float, ``(B, L, C)``; arguments as for `forward`."""
        self._check(emissions, mask)
        return functional.marginals(emissions, mask, self._scores())

    def last_marginals(self, emissions: Tensor, mask: Tensor, more_ends: Tensor) -> Tensor:
        """State probabilities of the last residue, float, ``(B, C)``, were there more ends.

        Args:
            emissions: float, ``(B, L, C)``.
            mask: bool, ``(B, L)``, True at real residues.
            more_ends: bool, ``(C,)``; states in which a path may end too, at the mean score of the
                allowed ends.
        """
        self._check(emissions, mask)
        scores = self._scores()
        n_ends = self.allowed_ends.sum()
        usual = self.end_transitions.masked_fill(~self.allowed_ends, 0.0).sum() / n_ends
        end = torch.where(more_ends, usual, scores.end)
        return functional.last_marginals(emissions, mask, scores._replace(end=end))

    def decode(self, emissions: Tensor, mask: Tensor, allowed: Tensor | None = None) -> Tensor:
        """The best path, int64, ``(B, L)``, -1 at padding.

        Args:
            emissions: float, ``(B, L, C)``.
            mask: bool, ``(B, L)``, True at real residues.
            allowed: bool, broadcastable to ``(B, L, C)``; states to which the path is confined.
        """
        self._check(emissions, mask)
        if allowed is not None:
            exact = torch.promote_types(emissions.dtype, torch.float32)
            emissions = emissions.to(exact).masked_fill(~allowed, FORBIDDEN)
        return functional.viterbi(emissions, mask, self._scores(decoding=True))

    def _scores(self, decoding: bool = False) -> ChainScores:
        graph = StateGraph(self.sources, self.is_source, self.targets, self.is_target)
        transitions: Tensor = self.transitions
        start: Tensor = self.start_transitions
        end: Tensor = self.end_transitions
        if self.constraint == "hard":
            start = start.masked_fill(~self.allowed_starts, FORBIDDEN)
            end = end.masked_fill(~self.allowed_ends, FORBIDDEN)
        elif decoding:
            transitions = transitions.masked_fill(~self.allowed_transitions, SOFT_PENALTY)
            start = start.masked_fill(~self.allowed_starts, SOFT_PENALTY)
            end = end.masked_fill(~self.allowed_ends, SOFT_PENALTY)
        return ChainScores.from_tables(transitions, start, end, graph)

    def _check(self, emissions: Tensor, mask: Tensor, allowed: Tensor | None = None) -> None:
        states = len(self.start_transitions)
        if emissions.dim() != 3 or emissions.shape[2] != states:
            raise ValueError(
                f"emissions: expected (B, L, {states}), found {tuple(emissions.shape)}"
            )
        if mask.dtype != torch.bool or mask.shape != emissions.shape[:2]:
            raise ValueError(
                f"mask: expected bool {tuple(emissions.shape[:2])}, "
                f"found {mask.dtype} {tuple(mask.shape)}"
            )
        if allowed is not None and (
            allowed.dtype != torch.bool or allowed.shape != emissions.shape
        ):
            raise ValueError(
                f"allowed: expected bool {tuple(emissions.shape)}, "
                f"found {allowed.dtype} {tuple(allowed.shape)}"
            )
        # Of an exported graph, numbers are not known yet.
        if torch.compiler.is_exporting():
            return
        if not (mask[:, 0].all() and (mask[:, :-1] | ~mask[:, 1:]).all()):
            raise ValueError("mask: expected a run of True from the first residue on in every row")
