"""All figures of a report, drawn and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from peftsp.report.cell_figures import draw_mcc2, draw_sites
from peftsp.report.evaluation import Evaluation
from peftsp.report.prediction_figures import draw_confusions, draw_offsets, draw_regions
from peftsp.report.run_figures import draw_curves, draw_tradeoff
from peftsp.report.style import paper_style, save
from peftsp.report.table import Table


@dataclass(frozen=True)
class Picture:
    """A figure that has been written.

    Attributes:
        name: Of its files.
        caption: What it shows.
        svg: The figure.
    """

    name: str
    caption: str
    svg: str


CAPTIONS = {
    "mcc2": "MCC2 by kingdom and SP type, mean over folds. Lines: 95 % bootstrap intervals over "
    "proteins; n: proteins of the type.",
    "tradeoff": "Mean MCC2 over all kingdoms and SP types against the number of parameters that "
    "train. Lines: 95 % bootstrap intervals over proteins.",
    "sites": "Precision and recall of cleavage sites, mean over folds. Dark: the exact site; pale: "
    "within 3 residues; lines: 95 % bootstrap intervals of the exact site. A site counts where "
    "the type is right, or where the protein is called NO_SP and has a site nevertheless.",
    "offsets": "Predicted less true cleavage site, where the SP type is right; negative: cut too "
    "early. The outermost bars hold all that is farther.",
    "regions": "Lengths of the predicted regions by predicted SP type. Boxes: the middle half; "
    "whiskers: 90 %; thick lines: medians. No region is annotated, so this describes predictions "
    "and does not say how right they are.",
    "confusion": "Confusion matrices over all runs of a method. A protein counts once for each "
    "model that was tested on it; shade: share of the true type.",
    "curves": "Learning curves. Thin: runs; thick: mean over the folds and seeds of a method.",
}
"""Of the figures of every report."""

_CAPTIONS_OF_TABLES = {
    "thresholds": "Signal peptide or not, by the threshold on the probability of one, over all "
    "proteins. Dots: where MCC is highest.",
    "calibration": "How often the called type is right, by how probable it is said to be. On the "
    "grey line probabilities are what they say.",
    "groups": "False calls by group of organisms.",
}


def draw_all(
    evaluations: Sequence[Evaluation],
    published: pd.DataFrame | None,
    folder: Path,
    has_cost: bool = True,
    further: Sequence[Table] = (),
) -> Iterator[Picture]:
    """Draw every figure, and those of further tables, write them as PNG and SVG, and yield them."""
    methods = [evaluation.method for evaluation in evaluations]
    drawers: dict[str, Callable[[], Figure | None]] = {
        "mcc2": lambda: draw_mcc2(evaluations, published),
        "tradeoff": lambda: draw_tradeoff(evaluations) if has_cost else None,
        "sites": lambda: draw_sites(evaluations),
        "offsets": lambda: draw_offsets(methods),
        "regions": lambda: draw_regions(methods),
        "confusion": lambda: draw_confusions(methods),
        "curves": lambda: draw_curves(methods),
    }
    for table in further:
        if table.draw is not None:
            drawers[table.name] = partial(table.draw, table.numbers)
    for name, draw in drawers.items():
        with paper_style(name):
            figure = draw()
            if figure is not None:
                save(figure, name, folder)
                svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
                captions = CAPTIONS | _CAPTIONS_OF_TABLES
                yield Picture(name, captions[name], svg[svg.index("<svg") :])
