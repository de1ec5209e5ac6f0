"""The table and the picture that a run leaves."""

import csv
import math

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from rich.console import Console

from peftsp.metrics.cells import WINDOWS
from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.metrics.table import MetricRow
from peftsp.training.tables import (
    as_rich_table,
    log_tables,
    write_csv,
    write_tables,
)

ROWS = [
    MetricRow("EUKARYA", "SP", 2582, 0.987654321, 0.9, (0.5, 0.6, 0.7, 0.8), (0.1, 0.2, 0.3, 1.0)),
    MetricRow("ARCHAEA", "PILIN", 3, 0.0, -0.25, (math.nan,) * 4, (0.0,) * 4),
]


@pytest.fixture
def metrics():
    collection = SignalPeptideMetrics()
    true, predicted = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2])
    sites = torch.tensor([-1, 20, 21, 22])
    collection.update(true, predicted, sites, sites, torch.tensor([0, 0, 1, 1]))
    return collection


@pytest.fixture
def blank_pictures():
    """Pictures are looked at here."""


def test_report_writes_and_shows_the_table(metrics, tmp_path, capsys):
    write_tables(metrics.table(), metrics.confusion(), tmp_path)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 4
    assert (tmp_path / "confusion.png").stat().st_size > 5000
    assert "LIPO" in capsys.readouterr().out


def test_other_loggers_are_left_alone(metrics, tmp_path):
    logger = CSVLogger(tmp_path)
    log_tables([logger], metrics.table(), tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())


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
