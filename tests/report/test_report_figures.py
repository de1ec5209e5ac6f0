"""Each figure of a report is drawn, written and given with its caption."""

import dataclasses

import pandas as pd
from matplotlib.figure import Figure

from peftsp.report.figures import CAPTIONS, draw_all
from peftsp.report.table import Table


def test_each_figure_is_written_as_both_kinds(evaluations, tmp_path):
    pictures = {picture.name: picture for picture in draw_all(evaluations, None, tmp_path)}
    assert pictures.keys() == CAPTIONS.keys()
    for name, picture in pictures.items():
        assert picture.caption == CAPTIONS[name]
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert picture.svg.startswith("<svg ")
        assert (tmp_path / f"{name}.svg").read_text().endswith(picture.svg)


def test_methods_of_unknown_cost_have_no_tradeoff(evaluations, tmp_path):
    names = {picture.name for picture in draw_all(evaluations[:1], None, tmp_path, has_cost=False)}
    assert names == CAPTIONS.keys() - {"tradeoff"}
    assert not (tmp_path / "tradeoff.png").exists()


def test_a_further_table_draws_its_own_numbers(evaluations, tmp_path):
    numbers, drawn = pd.DataFrame({"group": ["a"]}), []

    def draw(given):
        drawn.append(given)
        return Figure()

    table = Table("groups", "Caption.", numbers, numbers, draw)
    plain = dataclasses.replace(table, name="thresholds", draw=None)
    pictures = list(draw_all(evaluations[:1], None, tmp_path, further=[table, plain]))
    assert pictures[-1].name == "groups"
    assert pictures[-1].caption == "False calls by group of organisms."
    assert drawn == [numbers]
