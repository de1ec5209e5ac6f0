"""Where proteins come from, and what that changes."""

from __future__ import annotations

from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS

ANY = "other"
EUKARYA = "eukarya"

ORGANISMS = (ANY, *(kingdom.lower() for kingdom in KINGDOMS))
"""Choices of a user: ``other`` for unknown or mixed origin, or a kingdom."""


def kingdom_of(organism: str) -> int:
    """Kingdom id for models that use it, -1 for ``other``.

    >>> kingdom_of("archaea"), kingdom_of("other")
    (3, -1)

    Raises:
        ConfigError: There is no such choice.
    """
    if organism not in ORGANISMS:
        raise ConfigError(f"organism: expected one of {', '.join(ORGANISMS)}, found {organism!r}")
    return ORGANISMS.index(organism) - 1


def sums_types(organism: str) -> bool:
    """Whether every signal peptide counts as SP: eukaryotes have no other."""
    return organism == EUKARYA
