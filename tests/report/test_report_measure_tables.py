"""Measures of methods, beside the published ones."""

import pytest

from peftsp.report.measure_tables import measure_tables
from peftsp.report.method_tables import overall_table
from peftsp.report.published import read_published


def test_published_columns_stand_beside_ours_with_their_means(evaluations):
    tables = {table.name: table for table in measure_tables(evaluations, read_published())}
    shown = tables["mcc2"].shown
    assert list(shown.columns[:5]) == ["kingdom", "SP type", "n", "good", "poor"]
    row = shown[(shown["kingdom"] == "NEGATIVE") & (shown["SP type"] == "TAT")].iloc[0]
    assert (row["SignalP 6.0, published"], row["LoRA 3B, published"]) == ("0.96", "0.96")
    # A cell that the publications do not have stays empty.
    extra = shown[(shown["kingdom"] == "EUKARYA") & (shown["SP type"] == "TAT")].iloc[0]
    assert extra["LoRA 3B, published"] == "–"
    mean = shown.iloc[-1]
    assert mean["kingdom"] == "mean"
    assert (mean["SignalP 6.0, published"], mean["LoRA 3B, published"]) == ("0.782", "0.830")
    assert "LoRA 3B, published" not in tables["mcc1"].shown


def test_numbers_keep_all_digits(evaluations):
    table = measure_tables(evaluations, None)[0]
    cells = evaluations[0].cells
    expected = cells[cells["measure"] == "mcc2"]["value"].to_numpy()
    assert table.numbers["good value"].to_numpy() == pytest.approx(expected, abs=0)
    overall = overall_table(evaluations)
    assert overall.numbers["mean MCC2 value"][1] == evaluations[1].mean.value
