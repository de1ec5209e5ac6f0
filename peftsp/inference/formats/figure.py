"""A picture of one prediction."""

from __future__ import annotations

from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from peftsp.inference.formats.palette import INKS, TYPE_TITLES
from peftsp.labels import MAX_RESIDUES, RESIDUE_REGIONS
from peftsp.records import Prediction, Region

_SLOT = 0.16
_LEFT, _RIGHT = 0.75, 1.55
_HEIGHT = 3.7
_FEWEST_SLOTS = 30
_LETTERS_PER_INCH = 5
_FAINTEST = 0.01
_DARK = "#222222"


def draw(prediction: Prediction) -> Figure:
    """Probability of each region along the residues, above the sequence with its regions.

    Args:
        prediction: Without region probabilities the upper part stays empty.

    Returns:
        A figure that belongs to no window; its width grows with the number of residues. It does
        not show regions that are nowhere more probable than 1 %.
    """
    rows = prediction.region_probabilities or ()
    residues = prediction.residues[: len(rows) or MAX_RESIDUES]
    slots = max(len(residues), _FEWEST_SLOTS)
    width = _LEFT + slots * _SLOT + _RIGHT
    figure = Figure(figsize=(width, _HEIGHT), dpi=150, facecolor="white")
    left, breadth = _LEFT / width, slots * _SLOT / width
    curves = figure.add_axes((left, 0.36, breadth, 0.43))
    letters = figure.add_axes((left, 0.135, breadth, 0.185), sharex=curves)
    curves.set_xlim(0.5, slots + 0.5)
    _draw_title(figure, prediction, left, int((width - _LEFT) * _LETTERS_PER_INCH))
    _draw_curves(curves, rows)
    _draw_letters(letters, prediction, residues)
    if prediction.cleavage_site is not None:
        _draw_site(curves, letters, prediction)
    return figure


def _draw_title(figure: Figure, prediction: Prediction, left: float, longest: int) -> None:
    name, sp_type = _shorten(_drawable(prediction.identifier), longest), prediction.sp_type
    verdict = f"{sp_type} ({TYPE_TITLES[sp_type]}), probability {prediction.probability:.2f}"
    # A name may hold what matplotlib would take for a formula.
    figure.text(left, 0.925, name, size=12, weight="bold", color=_DARK, parse_math=False)
    figure.text(left, 0.862, verdict, size=10, color=_DARK)


def _drawable(text: str) -> str:
    r"""The text with a mark for what has no shape: some files of pictures take no control codes.

    >>> _drawable("\ufeffP1\x1b[2J")
    '\ufffdP1\ufffd[2J'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _shorten(name: str, longest: int) -> str:
    """The name, or its two ends if it is long.

    >>> _shorten("transmembrane", 8)
    'tran…ane'
    """
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def _draw_curves(axes: Axes, rows: tuple[tuple[float, ...], ...]) -> None:
    positions = range(1, len(rows) + 1)
    for index, name in reversed(list(enumerate(RESIDUE_REGIONS))):
        values = [row[index] for row in rows]
        if max(values, default=0) < _FAINTEST:
            continue
        ink = INKS[name]
        is_topology = name in ("inside", "membrane", "outside")
        style: Any = (0, ink.dashes) if ink.dashes else "-"
        shown = _without_zeros(values)
        (line,) = axes.plot(positions, shown, color=ink.colour, linestyle=style, label=ink.title)
        line.set(linewidth=1.3 if is_topology else 2.0, zorder=2 if is_topology else 3)
        line.set(marker="o", markersize=3.5 if len(rows) == 1 else 0)
        if not is_topology:
            axes.fill_between(positions, values, color=ink.colour, alpha=0.12, linewidth=0)
    axes.set_ylim(0, 1.16)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "", "0.5", "", "1"))
    axes.set_ylabel("probability", color=_DARK)
    axes.tick_params(labelbottom=False, bottom=False, colors=_DARK, labelsize=9)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    handles, titles = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles[::-1],
            titles[::-1],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize=9,
        )


def _without_zeros(values: list[float]) -> list[float]:
    """NaN for what is next to nothing between what is next to nothing.

    Lines of several regions would lie on the axis and hide one another.

    >>> _without_zeros([0.5, 0.0, 0.0, 0.0])
    [0.5, 0.0, nan, nan]
    """
    padded = [0.0, *values, 0.0]
    peaks = [max(padded[index : index + 3]) for index in range(len(values))]
    return [value if peak >= _FAINTEST else nan for value, peak in zip(values, peaks, strict=True)]


def _draw_letters(axes: Axes, prediction: Prediction, residues: str) -> None:
    for stretch in (*prediction.regions, *prediction.motifs):
        _draw_tiles(axes, stretch)
    for region in prediction.regions:
        _draw_bracket(axes, region)
    for position, letter in enumerate(residues, start=1):
        axes.text(
            position,
            0.72,
            letter,
            ha="center",
            va="center",
            size=8.5,
            color=_DARK,
            family="monospace",
        )
    last = len(residues)
    # 1 beside 10 is far enough away, the last position beside a multiple of ten need not be.
    tens = [number for number in range(10, last + 1, 10) if number == last or last - number > 2]
    axes.set_xticks(sorted({1, last, *tens} - {0}))
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(colors=_DARK, labelsize=9, length=3)
    length = len(prediction.residues)
    beyond = f" (the first {last} of {length:,})" if length > last else ""
    axes.set_xlabel(f"residue{beyond}", size=9, color=_DARK)


def _draw_tiles(axes: Axes, stretch: Region) -> None:
    size = stretch.end - stretch.start + 1
    colour = _tint(INKS[stretch.name].colour)
    axes.add_patch(
        Rectangle((stretch.start - 0.5, 0.5), size, 0.44, facecolor=colour, edgecolor="none")
    )


def _draw_bracket(axes: Axes, region: Region) -> None:
    ink = INKS[region.name]
    ends = (region.start - 0.35, region.end + 0.35)
    axes.plot(ends, (0.41, 0.41), color=ink.colour, linewidth=2.5, solid_capstyle="butt")
    middle = (region.start + region.end) / 2
    axes.text(middle, 0.18, region.name, ha="center", va="center", size=9, color=_DARK)


def _draw_site(curves: Axes, letters: Axes, prediction: Prediction) -> None:
    site, residues = prediction.cleavage_site or 0, prediction.residues
    for axes, top in ((curves, 1.13), (letters, 1.0)):
        axes.plot((site + 0.5,) * 2, (0, top), color=_DARK, linestyle=(0, (3, 2)), linewidth=1)
    behind = f" and {residues[site]}{site + 1}" if site < len(residues) else ""
    where = "between" if behind else "after"
    text = f"cut {where} {residues[site - 1 : site]}{site}{behind}"
    if prediction.cleavage_site_probability is not None:
        text += f", probability {prediction.cleavage_site_probability:.2f}"
    is_late = site > curves.get_xlim()[1] / 2
    curves.annotate(
        text,
        (site + 0.5, 1.1),
        xytext=(-5 if is_late else 5, 0),
        textcoords="offset points",
        ha="right" if is_late else "left",
        va="center",
        size=9,
        color=_DARK,
    )


def _tint(colour: str) -> tuple[float, ...]:
    """The colour, light enough for dark letters on it."""
    return tuple(1 - (1 - part) * 0.45 for part in to_rgb(colour))
