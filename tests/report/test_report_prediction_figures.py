"""What the figures of predictions show, read back from their artists."""

import pytest

from peftsp.report.prediction_figures import (
    draw_confusions,
    draw_offsets,
    draw_regions,
    region_lengths,
    site_offsets,
)
from peftsp.report.proteins import joined


def test_confusion_counts_every_row(evaluations):
    figure = draw_confusions([e.method for e in evaluations])
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
