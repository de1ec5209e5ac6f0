"""In which order, and how often, training sees its examples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from peftsp.errors import ConfigError
from peftsp.labels import KINGDOM_LABELS, SP_TYPES


def cell_weights(
    kingdoms: Tensor,
    sp_types: Tensor,
    balance: float,
    type_weights: Mapping[str, float] | None = None,
    kingdom_weights: Mapping[str, float] | None = None,
) -> Tensor:
    """Return how often to draw an example of each kingdom and SP type, relative to the others.

    With n examples of its kingdom and SP type, an example weighs ``n ** -balance``, times the
    weights given for its SP type and its kingdom, 1 where none is given.

    >>> kingdoms, sp_types = torch.tensor([0, 0, 1]), torch.tensor([1, 1, 1])
    >>> cell_weights(kingdoms, sp_types, balance=1.0)[kingdoms, sp_types]
    tensor([0.5000, 0.5000, 1.0000], dtype=torch.float64)

    Args:
        kingdoms: int64, ``(N,)``; kingdom ids.
        sp_types: int64, ``(N,)``; SP type ids.
        balance: 0 leaves the data as they are, 1 draws each kingdom and SP type equally often.
        type_weights: SP type to factor.
        kingdom_weights: Kingdom to factor.

    Returns:
        float64, ``(kingdoms, K)``; what has no example weighs as if it had one.

    Raises:
        ConfigError: A weight is negative, not finite or has an unknown name, or all are 0.
    """
    if not (math.isfinite(balance) and balance >= 0):
        raise ConfigError(f"data.balance: expected a number of 0 or more, found {balance}")
    weights = cell_counts(kingdoms, sp_types).clamp(min=1).double() ** -balance
    weights *= _factors("data.kingdom_weights", KINGDOM_LABELS, kingdom_weights)[:, None]
    weights *= _factors("data.type_weights", SP_TYPES, type_weights)
    if not weights[kingdoms, sp_types].any():
        raise ConfigError("sampling weights: expected some above 0, found only 0")
    return weights


def cell_counts(kingdoms: Tensor, sp_types: Tensor) -> Tensor:
    """Return how many examples there are of each kingdom and SP type, int64, ``(kingdoms, K)``."""
    cells = kingdoms * len(SP_TYPES) + sp_types
    counts = torch.bincount(cells, minlength=len(KINGDOM_LABELS) * len(SP_TYPES))
    return counts.view(len(KINGDOM_LABELS), len(SP_TYPES))


def _factors(setting: str, names: tuple[str, ...], given: Mapping[str, float] | None) -> Tensor:
    factors = torch.ones(len(names), dtype=torch.float64)
    for name, factor in (given or {}).items():
        if name not in names:
            raise ConfigError(f"{setting}: expected names of {', '.join(names)}, found {name!r}")
        if not (math.isfinite(factor) and factor >= 0):
            raise ConfigError(f"{setting}.{name}: expected a number of 0 or more, found {factor}")
        factors[names.index(name)] = factor
    return factors


def check_shares(sizes: Mapping[str, int], replicas: int) -> None:
    """Require that of each split that has examples every process gets some.

    Args:
        sizes: Number of examples by split.
        replicas: Number of processes.

    Raises:
        ConfigError: There are more processes than examples.
    """
    for name, size in sizes.items():
        if 0 < size < replicas:
            raise ConfigError(
                f"trainer.devices: expected at most {size} processes, one for each {name} protein, "
                f"found {replicas}"
            )


def eval_batches(size: int, batch_size: int, replicas: int, rank: int) -> list[list[int]]:
    """Indices of one process's batches, in which every example is once over all processes.

    All processes have equally many batches where there are as many examples as processes; for that
    a batch may hold one example more than its size.

    >>> [eval_batches(5, 2, 2, rank) for rank in (0, 1)]
    [[[0, 2, 4]], [[1, 3]]]

    Args:
        size: Number of examples.
        batch_size: Examples a batch.
        replicas: Number of processes.
        rank: Which of them this one is, from 0.
    """
    own = list(range(rank, size, replicas))
    if replicas == 1:
        return [own[start : start + batch_size] for start in range(0, size, batch_size)]
    count = max(math.ceil(size // replicas / batch_size), 1)
    return [part.tolist() for part in np.array_split(own, count) if len(part)]


class EpochSampler(Sampler[int]):
    """Indices in an order that only the seed and the epoch decide.

    Every process of a distributed run draws the same order and takes every ``replicas``-th index of
    it; the order is wrapped around so that all get equally many. The global random state is neither
    read nor changed.

    Args:
        size: Number of examples, at least 1.
        seed: Seed of all epochs, at least 0.
        weights: float, ``(N,)``; draw with replacement by these weights. None shows every example
            once an epoch.
        replicas: Number of processes.
        rank: Which of them this one is, from 0.
    """

    def __init__(
        self, size: int, seed: int, weights: Tensor | None = None, replicas: int = 1, rank: int = 0
    ) -> None:
        self._size = size
        self._seed = seed
        self._weights = weights
        self._replicas = replicas
        self._rank = rank
        self._epoch = 0
        self._skipped = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iterations."""
        self._epoch = epoch

    def skip(self, samples: int) -> None:
        """Let the next iteration, and only that, leave out this many indices at its start.

        ``len`` stays that of a whole epoch, so an interrupted epoch goes on with its own numbering.

        Raises:
            ConfigError: The epoch has fewer.
        """
        if not 0 <= samples <= len(self):
            raise ConfigError(f"skip: expected 0 to {len(self)} samples, found {samples}")
        self._skipped = samples

    def __len__(self) -> int:
        return math.ceil(self._size / self._replicas)

    def __iter__(self) -> Iterator[int]:
        order = self._order()
        wrapped = np.resize(order, len(self) * self._replicas)
        skipped, self._skipped = self._skipped, 0
        return iter(wrapped[self._rank :: self._replicas][skipped:].tolist())

    def _order(self) -> NDArray[np.int64]:
        # Mixed, because seed + epoch would give neighbouring seeds the same orders.
        mixed = np.random.SeedSequence([self._seed, self._epoch]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        if self._weights is None:
            return torch.randperm(self._size, generator=generator).numpy()
        return torch.multinomial(self._weights, self._size, True, generator=generator).numpy()
