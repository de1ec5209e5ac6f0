"""The plots of the set: which are wanted, their names, their numbers and pictures.

``output_<name>_plot.txt`` holds numbers; ``.png`` and ``.eps`` are pictures.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.inference.formats.base import Read, RunFacts, followed
from peftsp.inference.formats.process_pool import drawing
from peftsp.inference.formats.signalp6.tables import cut_of, name_of
from peftsp.records import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOT_KINDS = ("txt", "png", "eps")
FORMATS = (*PLOT_KINDS, "all", "none")

_LONGEST = 180
_LETTERS = {"n": "N", "h": "H", "c": "C", "twin_arginine": "R", "lipid_cysteine": "L"}
_ELSEWHERE = "O"
_COLUMNS = (
    *("# pos", "aa", "label", "Other", "Sec/SPI n", "Sec/SPI h", "Sec/SPI c"),
    *("Sec/SPII n", "Sec/SPII h", "Sec/SPII cys"),
    *("Tat/SPI n", "Tat/SPI RR", "Tat/SPI h", "Tat/SPI c"),
    *("Tat/SPII n", "Tat/SPII RR", "Tat/SPII h", "Tat/SPII cys"),
    *("Sec/SPIII P", "Sec/SPIII cons.", "Sec/SPIII h"),
)
_FEWEST_PER_WORKER = 32


@dataclass(frozen=True, slots=True)
class Request:
    """Choices that shape the set.

    Attributes:
        format: One of `FORMATS`: the plots that are wanted.
        mode: One of `peftsp.model.shipped.MODES`, which is only written down here; None for that
            of the model.
    """

    format: str = "none"
    mode: str | None = None

    @property
    def plots(self) -> tuple[str, ...]:
        """Kinds of plots, out of `PLOT_KINDS`.

        >>> Request("all").plots, Request("txt").plots, Request("none").plots
        (('txt', 'png', 'eps'), ('txt',), ())
        """
        if self.format == "all":
            return PLOT_KINDS
        return tuple(kind for kind in PLOT_KINDS if kind == self.format)


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
        kind: One of `PLOT_KINDS`.

    >>> plot_file("P1", "txt")
    'output_P1_plot.txt'
    """
    return f"output_{plot}_plot.{kind}"


def plot_text(prediction: Prediction) -> str:
    """The plot as numbers: a line a residue with the probability of each type's regions.

    The label is N, H or C in a region, R in a twin-arginine motif, L at a lipid-modified cysteine,
    O elsewhere.

    Args:
        prediction: Has `peftsp.records.Prediction.peptide_regions`.
    """
    lines = [f"# Name={name_of(prediction)}", "\t".join(_COLUMNS)]
    rows = prediction.peptide_regions or ()
    labels = _labels(prediction)
    for position, (residue, row) in enumerate(
        zip(prediction.residues, rows, strict=False), start=1
    ):
        label = labels.get(position, _ELSEWHERE)
        values = "\t".join(f"{probability:.6f}" for probability in row)
        lines.append(f"{position}\t{residue}\t{label}\t{values}")
    return "\n".join(lines) + "\n"


def write_plots(read: Read, folder: Path, kinds: tuple[str, ...], facts: RunFacts) -> None:
    """Write the plots of all proteins.

    Args:
        read: Yields predictions with what the kinds of plots need.
        folder: Where to.
        kinds: Some of `PLOT_KINDS`.
        facts: How many processes may draw, and whether to show a progress bar.
    """
    pictures = [kind for kind in kinds if kind != "txt"]
    names = PlotNames()
    workers = min(facts.workers, max(1, facts.size // _FEWEST_PER_WORKER)) if pictures else 1
    with drawing(_draw, workers) as add:
        for prediction in followed(read, "plots", facts):
            place = folder / names.next(prediction.header)
            if "txt" in kinds:
                text = plot_text(prediction)
                place.with_name(plot_file(place.name, "txt")).write_text(
                    text, encoding="utf-8", newline="\n"
                )
            if pictures:
                add(prediction, place, pictures)


def _draw(prediction: Prediction, place: Path, kinds: list[str]) -> None:
    # Matplotlib takes a second to import.
    from peftsp.inference.formats.figure import draw

    figure = draw(prediction)
    for kind in kinds:
        if kind == "eps":
            _flatten(figure)
        picture = BytesIO()
        figure.savefig(picture, format=kind)
        place.with_name(plot_file(place.name, kind)).write_bytes(picture.getvalue())


def _flatten(figure: Figure) -> None:
    """Give what is transparent the colour that it has on white: PostScript fills opaquely."""
    from matplotlib.colors import to_rgba_array

    for artist in figure.findobj(lambda found: found.get_alpha() is not None):
        if hasattr(artist, "get_facecolor"):
            faces = to_rgba_array(artist.get_facecolor())
            shares = faces[:, 3:]
            artist.set(alpha=None, facecolor=shares * faces[:, :3] + (1 - shares))


def _labels(prediction: Prediction) -> dict[int, str]:
    """Letter of each position in a region or motif; motifs win over the regions around them."""
    if cut_of(prediction) is None:
        return {}
    return {
        position: _LETTERS[stretch.name]
        for stretch in (*prediction.regions, *prediction.motifs)
        for position in range(stretch.start, stretch.end + 1)
    }
