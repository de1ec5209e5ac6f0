"""What a picture shows, read back from the figure."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from peftsp.inference.formats.figure import draw
from peftsp.labels import RESIDUE_REGIONS, SP_TYPES
from peftsp.records import Prediction, Region


def texts(figure):
    return [text for axes in figure.axes for text in axes.texts] + figure.texts


@pytest.mark.parametrize("sp_type", SP_TYPES)
def test_curves_are_the_probabilities(make_prediction, sp_type):
    prediction = make_prediction(sp_type=sp_type)
    curves = draw(prediction).axes[0]
    titles = {line.get_label().split("-")[0].replace(" ", "_"): line for line in curves.lines}
    for index, name in enumerate(RESIDUE_REGIONS):
        expected = [row[index] for row in prediction.region_probabilities]
        assert list(titles[name].get_ydata()) == expected
        assert list(titles[name].get_xdata()) == list(range(1, 71))


@pytest.mark.parametrize("sp_type", SP_TYPES)
def test_letters_stand_at_their_positions(make_prediction, sp_type):
    prediction = make_prediction(sp_type=sp_type)
    letters = draw(prediction).axes[1]
    placed = {
        round(t.get_position()[0]): t.get_text() for t in letters.texts if t.get_text().isupper()
    }
    assert "".join(placed[position] for position in range(1, 71)) == prediction.residues[:70]
    tiles = sorted((patch.get_x() + 0.5, patch.get_width()) for patch in letters.patches)
    stretches = (*prediction.regions, *prediction.motifs)
    assert tiles == sorted((s.start, s.end - s.start + 1) for s in stretches)


def test_title_and_cut_are_written(make_prediction):
    written = [text.get_text() for text in texts(draw(make_prediction()))]
    assert "P1" in written
    assert "SP (Sec/SPI), probability 0.75" in written
    residues = make_prediction().residues
    assert f"cut between {residues[19]}20 and {residues[20]}21, probability 0.62" in written


def test_cut_at_the_end_has_nothing_behind(make_prediction):
    prediction = make_prediction(length=20)
    written = [text.get_text() for text in texts(draw(prediction))]
    assert f"cut after {prediction.residues[19]}20, probability 0.62" in written


@pytest.mark.parametrize("sp_type", SP_TYPES)
@pytest.mark.parametrize("header", ["W" * 400, "P1"])
def test_no_text_overlaps_another_or_leaves_the_picture(make_prediction, sp_type, header):
    check_layout(draw(make_prediction(header, sp_type, 70)))


def test_layout_of_small_regions():
    regions = (Region("n", 1, 1), Region("h", 2, 2), Region("c", 3, 3))
    row = (0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05)
    short = Prediction("W" * 99, "SP", (0, 1, 0, 0, 0, 0), 3, 1.0, regions, "WWWW", (), (row,) * 4)
    check_layout(draw(short))


def check_layout(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = texts(figure)
    for axes in figure.axes:
        shown += [
            axes.xaxis.label,
            axes.yaxis.label,
            *axes.get_xticklabels(),
            *axes.get_yticklabels(),
        ]
        legend = axes.get_legend()
        shown += legend.get_texts() if legend else []
    boxes = [
        (t.get_text(), t.get_window_extent()) for t in shown if t.get_text() and t.get_visible()
    ]
    width, height = canvas.get_width_height()
    hidden = {"0", "0.5", "1"}
    for name, box in boxes:
        assert box.x0 >= 0, name
        assert box.y0 >= 0, name
        assert box.x1 <= width, name
        assert box.y1 <= height, name
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        if one in hidden or other in hidden:
            continue
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 0.5 or along <= 0.5, (one, other)


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("header", ["$x^2$", r"$\frac{", "蛋白質", "a_b^c"])
def test_one_residue_and_any_name_can_be_drawn(header):
    row = (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1)
    prediction = Prediction(header, "NO_SP", (1, 0, 0, 0, 0, 0), None, None, (), "M", (), (row,))
    figure = draw(prediction)
    FigureCanvasAgg(figure).draw()
    assert header in [text.get_text() for text in figure.texts]


def test_without_region_probabilities_the_sequence_is_drawn():
    prediction = Prediction("P1", "NO_SP", (1, 0, 0, 0, 0, 0), None, None, (), "MKV")
    assert [text.get_text() for text in draw(prediction).axes[1].texts] == ["M", "K", "V"]
