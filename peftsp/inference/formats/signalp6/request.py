"""What a user of the set may choose."""

from __future__ import annotations

from dataclasses import dataclass

PLOT_KINDS = ("txt", "png", "eps")
FORMATS = (*PLOT_KINDS, "all", "none")
MODES = ("fast", "slow", "slow-sequential")


@dataclass(frozen=True, slots=True)
class Request:
    """Choices that shape the set.

    Attributes:
        format: One of `FORMATS`: the plots that are wanted.
        mode: One of `MODES`, which changes nothing and is only written down.
    """

    format: str = "none"
    mode: str = "fast"

    @property
    def plots(self) -> tuple[str, ...]:
        """Kinds of plots, out of `PLOT_KINDS`.

        >>> Request("all").plots, Request("txt").plots, Request("none").plots
        (('txt', 'png', 'eps'), ('txt',), ())
        """
        if self.format == "all":
            return PLOT_KINDS
        return tuple(kind for kind in PLOT_KINDS if kind == self.format)
