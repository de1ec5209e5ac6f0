"""From a file to a file: the model that ships, by its command, and all contenders side by side."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.contenders import (
    HUGGING_FACE,
    PEFTSP,
    PREDICT,
    REFERENCE,
    has_bfloat16,
)
from benchmarks.files import write_fasta
from benchmarks.worker import Job, start_workers
from benchmarks.workload import find_spec
from peftsp.data.datamodule import SignalPeptideData

REPOSITORY = Path(__file__).resolve().parents[1]
FEW = 10
"""Proteins of a first try."""


@dataclass(frozen=True)
class EndToEnd:
    """How long one way from file to file takes.

    Attributes:
        what: The way.
        proteins: In the file.
        rounds: How often it was timed.
        seconds: Median.
        low: Lower quartile.
        high: Upper quartile.
        to_hugging_face: Median over rounds of the Hugging Face stack's time over its own.
        unchanged: Share of proteins with the same type and site as in float32.
    """

    what: str
    proteins: int
    rounds: int
    seconds: float
    low: float
    high: float
    to_hugging_face: float | None = None
    unchanged: float | None = None


def measure(
    batch_sizes: Mapping[str, int], proteins: int, rounds: int, threads: int
) -> list[EndToEnd]:
    """Time every way, one round of each in turn.

    Args:
        batch_sizes: Proteins in a batch, by size of the backbones that contenders are compared
            with.
        proteins: In the file for the model that ships, and at most in that of the contenders.
        rounds: How often each is timed.
        threads: Of each.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _shipped(folder, proteins, rounds, threads)
        for size, batch_size in batch_sizes.items():
            rows += _contenders(folder, size, proteins, batch_size, rounds, threads)
    return [*rows, _loading(rounds)]


def _shipped(folder: Path, proteins: int, rounds: int, threads: int) -> list[EndToEnd]:
    few, many = folder / "few.fasta", folder / "many.fasta"
    write_fasta(few, FEW)
    write_fasta(many, proteins)
    precisions = ["fp32", "int8", *(["bf16"] if has_bfloat16(torch.device("cpu")) else [])]

    def way(precision: str) -> Callable[[], None]:
        return lambda: _command(many, folder / precision, precision, threads)

    first = {"first": lambda: _command(few, folder / "few", "fp32", threads)}
    found = _take_turns(first | {name: way(name) for name in precisions}, rounds)
    exact = _answers(folder / "fp32")
    rows = [_row("peftsp-predict, first result", FEW, found["first"])]
    for name in precisions:
        answers = zip(exact, _answers(folder / name), strict=True)
        unchanged = sum(a == b for a, b in answers) / len(exact)
        what = f"peftsp-predict --precision {name}"
        rows.append(_row(what, proteins, found[name], unchanged=unchanged))
    return rows


def _contenders(
    folder: Path, size: str, proteins: int, batch_size: int, rounds: int, threads: int
) -> list[EndToEnd]:
    # As long for each size as for the smallest one.
    fewer = proteins * find_spec("8m").parameters // find_spec(size).parameters
    proteins = min(proteins, max(batch_size, fewer))
    fasta = folder / f"{size}.fasta"
    write_fasta(fasta, proteins)
    names = (REFERENCE, HUGGING_FACE, PEFTSP)
    jobs = [Job(name, size, "lora", PREDICT, batch_size, "cpu", threads) for name in names]
    with start_workers(jobs) as workers:
        ways = {
            name: partial(worker.predict_file, fasta, folder / f"{name}.csv")
            for name, worker in workers.items()
        }
        found = _take_turns(ways, rounds)
    rival = found[HUGGING_FACE]
    return [_row(f"{name}, {size}", proteins, found[name], rival) for name in names]


def _loading(rounds: int) -> EndToEnd:
    """Batches of 20 as training takes them, without training."""
    proteins = 600
    data = SignalPeptideData.from_synthetic(
        proteins,
        0,
        **{"fold": 0, "batch_size": 20, "eval_batch_size": 128, "num_workers": 0, "seed": 0},
        **{"balance": 0.0, "type_weights": None, "kingdom_weights": None},
        **{"extra_path": None, "train_splits": ["train"]},
    )
    data.setup("fit")
    loaded = sum(len(batch.tokens) for batch in data.train_dataloader())
    found = _take_turns({"": lambda: sum(1 for _ in data.train_dataloader())}, rounds)
    return _row("loading of training batches", loaded, found[""])


def _take_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in seconds.items()}


def _command(fasta: Path, output: Path, precision: str, threads: int) -> None:
    command = [sys.executable, "predict.py", str(fasta), "-o", str(output), "--formats", "csv"]
    command += ["--precision", precision, "--threads", str(threads), "--device", "cpu", "--fresh"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, env=environment)


def _answers(folder: Path) -> list[tuple[str, str]]:
    with (folder / "predictions.csv").open() as file:
        return [(row["sp_type"], row["cleavage_site"]) for row in csv.DictReader(file)]


def _row(
    what: str,
    proteins: int,
    seconds: np.ndarray,
    rival: np.ndarray | None = None,
    unchanged: float | None = None,
) -> EndToEnd:
    low, median, high = map(float, np.percentile(seconds, [25, 50, 75]))
    ratio = None if rival is None else float(np.median(rival / seconds))
    return EndToEnd(what, proteins, len(seconds), median, low, high, ratio, unchanged)


def markdown(rows: Sequence[EndToEnd]) -> str:
    """The rows as a table."""
    text = "\n**from file to file**\n\n| | proteins | seconds | quartiles | proteins/s "
    text += "| × Hugging Face | unchanged |\n|---|---:|---:|---:|---:|---:|---:|\n"
    for row in rows:
        ratio = "–" if row.to_hugging_face is None else f"{row.to_hugging_face:.2f}"
        unchanged = "–" if row.unchanged is None else f"{row.unchanged:.2%}"
        text += f"| {row.what} | {row.proteins} | {row.seconds:.2f} | {row.low:.2f}–{row.high:.2f} "
        text += f"| {row.proteins / row.seconds:.1f} | {ratio} | {unchanged} |\n"
    return text
