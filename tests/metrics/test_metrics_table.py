import csv
import math

import pytest
import torch
from rich.console import Console

from peftsp.labels import KINGDOMS
from peftsp.metrics.cells import WINDOWS
from peftsp.metrics.functional import cleavage_sites
from peftsp.metrics.table import MetricRow, as_rich_table, metric_table, write_csv

ROWS = [
    MetricRow("EUKARYA", "SP", 2582, 0.987654321, 0.9, (0.5, 0.6, 0.7, 0.8), (0.1, 0.2, 0.3, 1.0)),
    MetricRow("ARCHAEA", "PILIN", 3, 0.0, -0.25, (math.nan,) * 4, (0.0,) * 4),
]


def as_reference_keys(rows):
    values = {}
    for row in rows:
        prefix = f"{row.kingdom}_{row.sp_type}"
        values |= {f"{prefix}_mcc1": row.mcc1, f"{prefix}_mcc2": row.mcc2}
        for window, precision, recall in zip(WINDOWS, row.precision, row.recall, strict=True):
            values[f"{prefix}_precision_window_{window}"] = precision
            values[f"{prefix}_recall_window_{window}"] = recall
    return values


def test_golden_table(metrics_case):
    found = as_reference_keys(metric_table(*metrics_case.columns))
    assert found == pytest.approx(
        metrics_case.expected["compute_metrics"], rel=0, abs=1e-12, nan_ok=True
    )


def test_golden_cleavage_sites_of_paths(metrics_case):
    torch.testing.assert_close(
        cleavage_sites(metrics_case.inputs["pred_path"]), metrics_case.inputs["pred_cs"]
    )


def test_rows_count_the_sequences_of_each_kingdom_and_type(random_columns):
    true_types, *_, kingdoms = random_columns
    rows = metric_table(*random_columns)
    assert len(rows) == 20
    for row in rows:
        is_kingdom = kingdoms == KINGDOMS.index(row.kingdom)
        types = true_types[is_kingdom].tolist()
        names = ("NO_SP", "SP", "LIPO", "TAT", "TATLIPO", "PILIN")
        assert row.n == types.count(names.index(row.sp_type))


def test_no_sequences_give_no_rows():
    assert metric_table(*[torch.empty(0, dtype=torch.long)] * 5) == []


def test_csv_keeps_every_digit_and_leaves_undefined_cells_empty(tmp_path):
    path = tmp_path / "new" / "metrics.csv"
    write_csv(ROWS, path)
    with path.open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [(row["kingdom"], row["sp_type"], row["n"]) for row in read] == [
        ("EUKARYA", "SP", "2582"),
        ("ARCHAEA", "PILIN", "3"),
    ]
    assert float(read[0]["mcc1"]) == 0.987654321
    assert float(read[0]["recall_3"]) == 1.0
    assert [read[1][f"precision_{window}"] for window in WINDOWS] == [""] * 4
    assert [path.name for path in path.parent.iterdir()] == ["metrics.csv"]


def test_failed_write_keeps_the_earlier_file(tmp_path):
    path = tmp_path / "metrics.csv"
    write_csv(ROWS, path)
    before = path.read_text()
    with pytest.raises(AttributeError):
        write_csv([ROWS[0], None], path)
    assert path.read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_shown_table_has_three_decimals_and_blanks_for_undefined_values():
    console = Console(width=200)
    with console.capture() as capture:
        console.print(as_rich_table(ROWS))
    shown = capture.get()
    assert "0.99" in shown
    assert "-0.25" in shown
    assert "2582" in shown
    assert "nan" not in shown
    assert "0.10 0.20 0.30 1.00" in shown
