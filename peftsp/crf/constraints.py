"""Which starts, steps and ends a path may have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from peftsp.errors import ConfigError
from peftsp.labels import (
    ALLOWED_ENDS,
    ALLOWED_STARTS,
    ALLOWED_TRANSITIONS,
    PUBLISHED_ENDS,
    STATES,
)

TABLES = ("peftsp", "published", "none")


class Constraints(NamedTuple):
    """What is allowed.

    Attributes:
        transitions: bool, ``(C, C)``; ``[i, j]`` says whether ``j`` may follow ``i``.
        starts: bool, ``(C,)``.
        ends: bool, ``(C,)``.
    """

    transitions: Tensor
    starts: Tensor
    ends: Tensor


def constraint_table(name: str) -> Constraints:
    """One of the tables by name.

    Args:
        name: ``peftsp``: the published table with the ends of the SP block mended;
            ``published``: as in SignalP 6.0 and PEFT-SP; ``none``: everything is allowed.

    Raises:
        ConfigError: There is no such table.

    >>> constraint_table("peftsp").ends.sum() - constraint_table("published").ends.sum()
    tensor(3)
    """
    if name not in TABLES:
        raise ConfigError(f"crf.table: expected one of {', '.join(TABLES)}, found {name!r}")
    if name == "none":
        return unconstrained(len(STATES))
    transitions = torch.zeros(len(STATES), len(STATES), dtype=torch.bool)
    for before, after in ALLOWED_TRANSITIONS:
        transitions[before, after] = True
    ends = ALLOWED_ENDS if name == "peftsp" else PUBLISHED_ENDS
    return Constraints(transitions, _flags(ALLOWED_STARTS), _flags(ends))


def unconstrained(states: int) -> Constraints:
    """Everything allowed over a number of states."""
    return Constraints(
        torch.ones(states, states, dtype=torch.bool),
        torch.ones(states, dtype=torch.bool),
        torch.ones(states, dtype=torch.bool),
    )


def _flags(states: Iterable[int]) -> Tensor:
    flags = torch.zeros(len(STATES), dtype=torch.bool)
    flags[list(states)] = True
    return flags
