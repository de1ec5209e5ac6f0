"""What the figures of kingdoms and SP types show, read back from their artists."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from peftsp.report.cell_figures import draw_mcc2, draw_sites
from peftsp.report.evaluation import evaluate
from peftsp.report.methods import group_runs
from peftsp.report.prediction_figures import (
    draw_offsets,
)
from peftsp.report.proteins import Proteins
from peftsp.report.published import read_published
from peftsp.report.style import COLORS, paper_style
from peftsp.runs.results import read_run


def test_bars_are_as_high_as_the_values(evaluations):
    figure = draw_mcc2(evaluations, read_published())
    heights = [bar.get_height() for axes in figure.axes for bar in axes.patches]
    expected = [e.cells[e.cells["measure"] == "mcc2"]["value"].to_numpy() for e in evaluations]
    assert sorted(heights) == pytest.approx(sorted(np.concatenate(expected)))
    colors = {to_hex(bar.get_facecolor()).upper() for axes in figure.axes for bar in axes.patches}
    assert colors == set(COLORS[:2])


def test_butterfly_has_precision_left_and_recall_right(evaluations):
    left, right = draw_sites(evaluations).axes
    assert left.get_xlim()[0] > left.get_xlim()[1]
    assert (left.get_xlabel(), right.get_xlabel()) == (
        "cleavage-site precision",
        "cleavage-site recall",
    )
    found = sorted(bar.get_width() for bar in right.patches)
    cells = [e.cells[e.cells["measure"].isin(["recall_0", "recall_3"])] for e in evaluations]
    assert found == pytest.approx(sorted(np.concatenate([c["value"] for c in cells])))


@pytest.mark.parametrize("draw", [draw_mcc2, draw_sites], ids=["mcc2", "sites"])
def test_tick_labels_do_not_overlap(evaluations, draw):
    with paper_style("test"):
        figure = draw(evaluations, None) if draw is draw_mcc2 else draw(evaluations)
    figure.draw_without_rendering()
    for axes in figure.axes:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_more_methods_than_colours_can_still_be_drawn(make_run):
    folders = [make_run("lora", peft={"rank": rank}, **{f"extra{rank}": 1}) for rank in range(1)]
    folders += [make_run(f"method{number}") for number in range(9)]
    methods = group_runs(map(read_run, folders))
    proteins = Proteins.of(methods)
    evaluations = [evaluate(m, proteins, 3, 0, lambda draws: draws) for m in methods]
    for figure in (draw_mcc2(evaluations, None), draw_sites(evaluations), draw_offsets(methods)):
        figure.draw_without_rendering()
