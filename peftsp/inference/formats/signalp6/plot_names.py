"""Names of the plots' files."""

from __future__ import annotations

import re
from collections import Counter

_LONGEST = 180


class PlotNames:
    """Gives each header a name that every file system takes and no other header has.

    Whatever is not an ASCII letter, a digit or an underscore becomes an underscore. The same
    headers in the same order get the same names.

    >>> names = PlotNames()
    >>> [names.next(header) for header in ("sp|P1/2 x", "SP_P1_2_x", "sp|P1/2 x")]
    ['sp_P1_2_x', 'SP_P1_2_x_2', 'sp_P1_2_x_3']
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._tries: Counter[str] = Counter()

    def next(self, header: str) -> str:
        """The name for the next header.

        Args:
            header: The whole header.

        Returns:
            At most 200 characters; names differ in more than upper and lower case.
        """
        plain = re.sub(r"[^A-Za-z0-9_]", "_", header)[:_LONGEST]
        name, folded = plain, plain.lower()
        while name.lower() in self._given:
            # A name that ends in a number may be taken by a header that ends in it.
            self._tries[folded] += 1
            name = f"{plain}_{self._tries[folded] + 1}"
        self._given.add(name.lower())
        return name


def plot_file(plot: str, kind: str) -> str:
    """File name of a plot.

    Args:
        plot: Given by `PlotNames`.
        kind: One of `peftsp.inference.formats.signalp6.request.PLOT_KINDS`.

    >>> plot_file("P1", "txt")
    'output_P1_plot.txt'
    """
    return f"output_{plot}_plot.{kind}"
