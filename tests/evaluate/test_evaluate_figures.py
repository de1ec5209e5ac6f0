"""What figures of thresholds, calibration and false calls show, read back from their artists."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from peftsp.evaluate.figures import draw_calibration, draw_groups, draw_thresholds
from peftsp.report.style import COLORS


def colors_of(artists):
    return [to_hex(artist.get_color()).upper() for artist in artists]


def test_thresholds_have_a_curve_a_method_and_a_dot_at_its_best_mcc():
    curves = pd.DataFrame(
        {
            "method": ["one"] * 3 + ["two"] * 3,
            "threshold": [0.25, 0.5, 0.75] * 2,
            "mcc": [0.1, 0.3, 0.2, 0.6, 0.5, 0.4],
            "precision": [0.5, 0.6, 0.7, 0.8, 0.9, np.nan],
            "recall": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
        },
        index=[5, 5, 6, 7, 8, 9],
    )
    axes = draw_thresholds(curves.reset_index(drop=True)).axes
    assert [one.get_ylabel() for one in axes] == ["MCC", "precision", "recall"]
    for one, name in zip(axes, ("mcc", "precision", "recall"), strict=True):
        first, first_dot, second, second_dot = one.lines
        assert first.get_xdata().tolist() == [0.25, 0.5, 0.75]
        np.testing.assert_array_equal(first.get_ydata(), curves[name][:3])
        np.testing.assert_array_equal(second.get_ydata(), curves[name][3:])
        assert first_dot.get_xydata().tolist() == [[0.5, curves[name].iloc[1]]]
        assert second_dot.get_xydata().tolist() == [[0.25, curves[name].iloc[3]]]
        assert colors_of(one.lines) == [COLORS[0]] * 2 + [COLORS[1]] * 2


def test_calibration_has_shares_above_and_counts_below():
    bins = pd.DataFrame(
        {
            "method": ["one", "two", "one"],
            "probability": [0.55, 0.65, 0.95],
            "right": [0.5, 0.7, 1.0],
            "proteins": [10, 20, 3000],
        }
    )
    figure = draw_calibration(bins)
    upper, lower = figure.axes
    diagonal, *curves = upper.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert [line.get_xydata().tolist() for line in curves] == [
        [[0.55, 0.5], [0.95, 1.0]],
        [[0.65, 0.7]],
    ]
    assert [line.get_ydata().tolist() for line in lower.lines] == [[10, 3000], [20]]
    assert colors_of(curves) == colors_of(lower.lines) == list(COLORS[:2])
    assert (lower.get_yscale(), upper.get_ylim()[1] > 1) == ("log", True)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]


def test_dollars_in_the_names_of_groups_and_methods_are_no_formula():
    columns = ["method", "group", "without signal peptide", "called one"]
    columns += ["with signal peptide", "missed", "other type"]
    figure = draw_groups(pd.DataFrame([["a$^$", "$\\frac$ b", 1, 1, 1, 1, 1]], columns=columns))
    figure.canvas.draw()
    [name] = figure.axes[0].get_yticklabels()
    assert name.get_text().replace("\\$", "$") == "$\\frac$ b"


@pytest.fixture
def groups():
    """Of fungi one method has no count, and no plant has a signal peptide."""
    columns = ["method", "group", "without signal peptide", "called one"]
    columns += ["with signal peptide", "missed", "other type"]
    rows = [
        ["one", "plants", 10, 1, 0, 0, 0],
        ["one", "fungi", 4, 1, 8, 2, 4],
        ["two", "plants", 5, 5, 2, 0, 1],
    ]
    return draw_groups(pd.DataFrame(rows, columns=columns))


def test_groups_have_shares_of_the_proteins_that_could_be_called_so(groups):
    widths = [[bar.get_width() for bar in axes.patches] for axes in groups.axes]
    none = np.nan
    expected = [[0.25, 0.1, none, 1.0], [0.25, none, none, 0.0], [0.5, none, none, 0.5]]
    np.testing.assert_allclose(widths, expected)
    assert [axes.get_xlabel() for axes in groups.axes] == [
        "share called though there is none",
        "share missed",
        "share called of another type",
    ]


def test_bars_of_a_group_stand_side_by_side_at_its_name(groups):
    axes = groups.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fungi", "plants"]
    assert axes.yaxis_inverted(), "the first above"
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(spans))
    centres = np.mean(spans, axis=1).reshape(2, 2).mean(axis=1)
    np.testing.assert_allclose(centres, axes.get_yticks())
