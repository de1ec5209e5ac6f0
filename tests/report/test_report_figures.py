"""What figures show, read back from their artists."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from peftsp.report.cell_figures import draw_mcc2, draw_sites
from peftsp.report.evaluation import evaluate
from peftsp.report.methods import group_runs
from peftsp.report.prediction_figures import (
    draw_confusion,
    draw_offsets,
    draw_regions,
    region_lengths,
    site_offsets,
)
from peftsp.report.proteins import Proteins, joined
from peftsp.report.published import read_published
from peftsp.report.run_figures import draw_curves, draw_tradeoff
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
    figure.canvas.draw()
    for axes in figure.axes:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_confusion_counts_every_row(evaluations):
    figure = draw_confusion([e.method for e in evaluations])
    for axes, evaluation in zip(figure.axes[:-1], evaluations, strict=True):
        assert sum(int(text.get_text()) for text in axes.texts) == len(
            joined(evaluation.method.runs)
        )


def test_offsets_are_predicted_less_true(two_methods):
    rows = joined(two_methods[0][0].runs)
    chosen = rows[(rows["sp_type"] == "LIPO") & (rows["predicted_type"] == "LIPO")]
    expected = (chosen["predicted_site"] - chosen["cleavage_site"]).tolist()
    assert site_offsets(rows, "LIPO").tolist() == expected
    assert set(expected) == {-2, -1, 0, 1}.union(expected)
    figure = draw_offsets(two_methods[0])
    shares = [bar.get_height() for bar in figure.axes[1].patches]
    assert sum(shares) == pytest.approx(1)


def test_regions_end_where_the_table_says(two_methods):
    rows = joined(two_methods[0][0].runs)
    lengths = region_lengths(rows)
    assert (lengths["n-region"] == 5).all()
    is_pilin = lengths["predicted_type"] == "PILIN"
    assert lengths["h-region"][is_pilin].isna().all()
    assert (lengths["h-region"][~is_pilin] == 9).all()
    ends = rows["predicted_site"][lengths.index][~is_pilin]
    assert (lengths["c-region"][~is_pilin] == ends - 14).all()
    assert len(draw_regions(two_methods[0]).axes) == 3


def test_curves_show_what_was_logged(two_methods):
    figure = draw_curves(two_methods[0])
    assert [axes.get_ylabel().split()[0] for axes in figure.axes] == ["training", "validation"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [60.5, 50.5]


def test_mean_curve_is_over_folds_whose_epochs_are_of_unlike_length(make_run):
    folders = [make_run("lora", fold) for fold in (0, 2)]
    curves = ["0,0,4", "0,1,2"], ["0,0,8", "0,1,6", "0,2,4", "0,3,2"]
    for folder, rows in zip(folders, curves, strict=True):
        path = folder / "logs" / "version_0" / "metrics.csv"
        path.write_text("\n".join(["epoch,step,train/nll", *rows]) + "\n")
    [axes] = draw_curves(group_runs(map(read_run, folders))).axes
    assert axes.get_xlabel() == "epoch"
    mean = axes.lines[-1]
    assert mean.get_xdata().tolist() == [0.5, 0.75, 1.0]
    assert mean.get_ydata().tolist() == [5.0, 3.5, 2.0]


def test_runs_without_curves_have_no_figure(make_run):
    folder = make_run()
    (folder / "logs" / "version_0" / "metrics.csv").unlink()
    assert draw_curves(group_runs([read_run(folder)])) is None


def test_tradeoff_has_a_point_for_each_method(evaluations):
    axes = draw_tradeoff(evaluations).axes[0]
    points = [container[0].get_xydata()[0].tolist() for container in axes.containers]
    assert points == [[1000, e.mean.value] for e in evaluations]
    assert axes.get_xscale() == "log"


def test_more_methods_than_colours_can_still_be_drawn(make_run):
    folders = [make_run("lora", peft={"rank": rank}, **{f"extra{rank}": 1}) for rank in range(1)]
    folders += [make_run(f"method{number}") for number in range(9)]
    methods = group_runs(map(read_run, folders))
    proteins = Proteins.of(methods)
    evaluations = [evaluate(m, proteins, 3, 0, lambda draws: draws) for m in methods]
    for figure in (draw_mcc2(evaluations, None), draw_sites(evaluations), draw_offsets(methods)):
        figure.canvas.draw()
