"""How figures look: as wide as a page, small print of 7 points, colours that everyone can tell."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from peftsp.labels import KINGDOM_LABELS

WIDTH = 7.0  # inches, two columns of a journal
# Okabe and Ito, "Color Universal Design", 2008; without the yellow, which is faint on white.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\")
_LEGEND_CHARACTERS = 130  # that fit side by side, with 8 for what is before each label
_LEGEND_LINE = 0.16  # inches
_PRETTY = ("Eukarya", "Gram-positive", "Gram-negative", "Archaea", "Unknown")
_PRETTY_KINGDOM = dict(zip(KINGDOM_LABELS, _PRETTY, strict=True))
_SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.4,
    "svg.fonttype": "path",
}


@contextmanager
def paper_style(name: str) -> Iterator[None]:
    """Draw in this style; ``name`` sets the figure's identifiers apart from other figures'."""
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        yield


def color_of(place: int) -> str:
    """Colour of the method at a place; they come round again after seven."""
    return COLORS[place % len(COLORS)]


def hatch_of(place: int) -> str:
    """Hatch that tells the methods of one colour apart."""
    return HATCHES[place // len(COLORS) % len(HATCHES)]


def wrapped(label: str, width: int = 34) -> str:
    """A long label on several lines, as `literal` has it."""
    return literal("\n".join(textwrap.wrap(label, width)) or label)


def literal(label: str) -> str:
    r"""A label whose dollar signs are no formula to matplotlib.

    >>> literal("A$_2$")
    'A\\$_2\\$'
    """
    return label.replace("$", r"\$")


def method_legend(figure: Figure, labels: Sequence[str], more: Sequence[Artist] = ()) -> None:
    """One legend for all methods, above the axes, where it covers nothing."""
    handles = [
        Patch(
            facecolor=color_of(place),
            hatch=hatch_of(place),
            edgecolor="white",
            label=wrapped(label),
        )
        for place, label in enumerate(labels)
    ]
    shown = [*handles, *more]
    put_legend(figure, shown)


def put_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above the axes, and make the figure higher by as much as it needs."""
    columns = _columns(figure, handles)
    lines = max(str(handle.get_label()).count("\n") + 1 for handle in handles)
    width, height = figure.get_size_inches()
    rows = -(-len(handles) // columns)
    figure.set_size_inches(width, height + _LEGEND_LINE * (rows * lines - 1))
    figure.legend(handles=list(handles), loc="outside upper center", ncols=columns)


def _columns(figure: Figure, handles: Sequence[Artist]) -> int:
    room = _LEGEND_CHARACTERS * figure.get_size_inches()[0] / WIDTH
    labels = (str(handle.get_label()).split("\n") for handle in handles)
    lengths = [max(map(len, lines)) + 8 for lines in labels]
    if sum(lengths) <= room:
        return len(handles)
    return max(1, int(room // max(lengths)))


def pretty_cell(kingdom: str, sp_type: str) -> str:
    """A kingdom and SP type on two lines.

    >>> pretty_cell("NEGATIVE", "TATLIPO").splitlines()
    ['Gram-negative', 'TATLIPO']
    """
    return f"{_PRETTY_KINGDOM[kingdom]}\n{sp_type}"


def hide_spare(axes: Sequence[Axes], used: int) -> None:
    """Take out the axes of a grid that nothing is drawn in."""
    for spare in axes[used:]:
        spare.set_axis_off()


def save(figure: Figure, name: str, folder: Path) -> None:
    """Write a figure as PNG and SVG, the same bytes each time."""
    figure.savefig(folder / f"{name}.png", dpi=200)
    # To find the places takes as long as to draw, and they stay.
    figure.set_layout_engine("none")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
