"""What a run leaves to read: the test table, a confusion matrix, its place in the loggers."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import wandb
from lightning.pytorch.loggers import Logger, WandbLogger
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from torch import Tensor

from peftsp.durable import whole_file
from peftsp.metrics.cells import WINDOWS
from peftsp.metrics.confusion import draw_confusion
from peftsp.metrics.table import MetricRow

_COLUMNS = (
    *("kingdom", "sp_type", "n", "mcc1", "mcc2"),
    *(f"precision_{window}" for window in WINDOWS),
    *(f"recall_{window}" for window in WINDOWS),
)

METRICS_FILE = "metrics.csv"
CONFUSION_FILE = "confusion.png"


def write_tables(rows: list[MetricRow], counts: Tensor, folder: Path) -> None:
    """Write the test table and the confusion matrix, and show the table.

    Args:
        rows: The table of the test partition.
        counts: int64, ``(K, K)``; rows are true types, columns predicted ones.
        folder: Gets ``metrics.csv`` and ``confusion.png``.
    """
    write_csv(rows, folder / METRICS_FILE)
    _confusion_figure(counts).savefig(folder / CONFUSION_FILE, dpi=150)
    Console().print(as_rich_table(rows))


def write_csv(rows: list[MetricRow], path: Path) -> None:
    """Write the rows with full precision; an undefined value is an empty cell.

    The file appears complete or not at all.

    Args:
        rows: The table.
        path: The file, replaced if it exists; its folder is made if need be.
    """
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            writer.writerow(["" if _is_nan(cell) else cell for cell in _cells(row)])


def as_rich_table(rows: list[MetricRow]) -> Table:
    """Lay out the rows for a terminal 80 characters wide; an undefined value is left blank.

    The columns ``precision`` and ``recall`` are of the cleavage site and show all of `WINDOWS`.
    """
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("kingdom", "SP type"):
        table.add_column(name)
    for name in ("n", "MCC1", "MCC2"):
        table.add_column(name, justify="right")
    for name in ("precision", "recall"):
        table.add_column(f"{name} ±{WINDOWS[0]}–{WINDOWS[-1]}", justify="right", no_wrap=True)
    for row in rows:
        sites = (" ".join(map(_shown, values)) for values in (row.precision, row.recall))
        table.add_row(
            row.kingdom, row.sp_type, str(row.n), _shown(row.mcc1), _shown(row.mcc2), *sites
        )
    return table


def _confusion_figure(counts: Tensor) -> Figure:
    figure = Figure(figsize=(5.6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    image = draw_confusion(axes, counts.numpy(), font_size=9)
    figure.colorbar(image, label="shade: share of the true type", shrink=0.7)
    axes.set_title("numbers: proteins", fontsize="medium")
    axes.set_xlabel("predicted SP type")
    axes.set_ylabel("true SP type")
    return figure


def log_tables(loggers: list[Logger], rows: list[MetricRow], folder: Path, bundle: Path) -> None:
    """Hand table, confusion matrix and bundle to those loggers that can hold them.

    Args:
        loggers: Any loggers; only Weights & Biases takes these.
        rows: The table of the test partition.
        folder: Where `write_tables` wrote.
        bundle: The bundle folder.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            run = logger.experiment
            run.log({"test/table": _wandb_table(rows)})
            run.log({"test/confusion": wandb.Image(str(folder / CONFUSION_FILE))})
            artifact = wandb.Artifact(f"bundle-{run.id}", type="bundle")
            artifact.add_dir(str(bundle))
            run.log_artifact(artifact)


def _wandb_table(rows: list[MetricRow]) -> wandb.Table:
    return wandb.Table(columns=list(_COLUMNS), data=[list(_cells(row)) for row in rows])


def _cells(row: MetricRow) -> tuple[str | int | float, ...]:
    return (row.kingdom, row.sp_type, row.n, row.mcc1, row.mcc2, *row.precision, *row.recall)


def _is_nan(cell: str | int | float) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
