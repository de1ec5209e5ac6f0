"""Cross-validation over homology partitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from peftsp.errors import ConfigError
from peftsp.records import LabelledRecord

NESTED, PLAIN = "nested", "plain"
"""Protocols: every pair of partitions tests and validates, or every partition tests once."""

_Records = list[LabelledRecord]


@dataclass(frozen=True, slots=True)
class Fold:
    """Which partitions test, select and train one model.

    Attributes:
        test: Partition that the finished model is scored on.
        validation: Partition that selects the model.
        train: All other partitions.
    """

    test: int
    validation: int
    train: tuple[int, ...]

    def __str__(self) -> str:
        trains = ", ".join(map(str, self.train))
        return f"tests partition {self.test}, validates {self.validation}, trains {trains}"


def nested_folds(partitions: Iterable[int]) -> list[Fold]:
    """Return one fold for every ordered pair of different partitions (test, validation).

    >>> [(fold.test, fold.validation) for fold in nested_folds([2, 0, 1, 1])]
    [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]

    Raises:
        ConfigError: There are fewer than three partitions.
    """
    found = sorted(set(partitions))
    if len(found) < 3:
        names = ", ".join(map(str, found)) or "none"
        raise ConfigError(
            f"nested folds: expected at least 3 partitions, found {names}; "
            f"peftsp-prepare makes them"
        )
    return [
        Fold(test, validation, tuple(p for p in found if p not in (test, validation)))
        for test, validation in permutations(found, 2)
    ]


def plain_folds(partitions: Iterable[int]) -> list[Fold]:
    """Return one fold for every partition, which is its test; the next one validates.

    >>> [(fold.test, fold.validation) for fold in plain_folds([2, 0, 1, 1])]
    [(0, 1), (1, 2), (2, 0)]

    Raises:
        ConfigError: There are fewer than three partitions.
    """
    found = sorted(set(partitions))
    following = dict(zip(found, found[1:] + found[:1], strict=True))
    return [fold for fold in nested_folds(found) if fold.validation == following[fold.test]]


def folds_of(partitions: Iterable[int], protocol: str) -> list[Fold]:
    """Return the folds of a protocol, `NESTED` or `PLAIN`.

    Raises:
        ConfigError: There is no such protocol, or there are fewer than three partitions.
    """
    if protocol not in _PROTOCOLS:
        raise ConfigError(f"data.protocol: expected {' or '.join(_PROTOCOLS)}, found {protocol!r}")
    return _PROTOCOLS[protocol](partitions)


_PROTOCOLS = {NESTED: nested_folds, PLAIN: plain_folds}


def split(
    records: Sequence[LabelledRecord], fold_index: int, protocol: str = NESTED
) -> tuple[_Records, _Records, _Records]:
    """Return the training, validation and test records of a fold, in the order of the input.

    Args:
        records: Records of at least three partitions.
        fold_index: 0-based index into `folds_of` the protocol.
        protocol: `NESTED` or `PLAIN`.

    Raises:
        ConfigError: There is no such fold, or there are fewer than three partitions.
    """
    folds = folds_of((record.partition for record in records), protocol)
    if not 0 <= fold_index < len(folds):
        raise ConfigError(f"data.fold: expected 0 to {len(folds) - 1}, found {fold_index}")
    fold = folds[fold_index]
    return (
        [record for record in records if record.partition in fold.train],
        [record for record in records if record.partition == fold.validation],
        [record for record in records if record.partition == fold.test],
    )
