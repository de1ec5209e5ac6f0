"""What identifies a run, and what it says of itself: ``skipped.tsv`` and ``run.json``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from peftsp import __version__
from peftsp.data.fasta import WrongRecord
from peftsp.inference.compute.options import Options
from peftsp.inference.run.settings import RunSettings, RunSummary
from peftsp.labels import SP_TYPES
from peftsp.model.bundle import hash_bundle

SKIPPED_FILE = "skipped.tsv"


def write_skipped(skipped: Iterable[tuple[str, WrongRecord]], folder: Path) -> Path:
    """Write the records that were left out.

    Args:
        skipped: Names of files, and what is wrong in them.
        folder: Gets ``skipped.tsv``.
    """
    path = folder / SKIPPED_FILE
    # Names of files and records need not be UTF-8.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("file", "line", "id", "reason"))
        writer.writerows((name, w.line, w.identifier, w.reason) for name, w in skipped)
    return path


def describe_run(
    settings: RunSettings,
    inputs: Sequence[str],
    options: Options,
    summary: RunSummary,
    times: tuple[datetime, datetime],
) -> dict[str, Any]:
    """Say how results came about.

    Args:
        settings: What was asked for.
        inputs: Files that were read.
        options: What was told to the models.
        summary: What came of it.
        times: When the run started, and when the last protein was predicted.

    Returns:
        JSON-compatible; times are local, with their offset.
    """
    started, finished = (time.isoformat(timespec="seconds") for time in times)
    return {
        "peftsp": __version__,
        "started": started,
        "finished": finished,
        "inputs": list(inputs),
        "bundles": [
            {"path": str(bundle), "sha256": hash_bundle(bundle)}
            for bundle in settings.model.bundles
        ],
        "organism": settings.model.organism,
        "options": asdict(options),
        "formats": [getattr(choice, "name", choice) for choice in settings.formats],
        "proteins": summary.tally.proteins,
        "counts": {name: summary.tally.types[name] for name in SP_TYPES},
        "cleavage_sites_below_half": summary.tally.unsure_sites,
        "skipped": summary.skipped,
        "proteins_a_second": round(summary.predicted / max(summary.seconds, 1e-9), 1),
    }


def fingerprint_run(
    inputs: Sequence[Path], bundles: Sequence[Path], options: Options
) -> dict[str, Any]:
    """Describe a run; two runs with equal descriptions predict the same.

    Where the backbone's weights lie is left out: a bundle pins their content. So are batch size,
    device and threads, which change rounding only.

    Args:
        inputs: The input files, told by their places, sizes and times of change.
        bundles: Bundle folders, told by their content.
        options: What is told to the models and asked of them.

    Returns:
        JSON-compatible.
    """
    return {
        "peftsp": __version__,
        "inputs": [_place(path) for path in inputs],
        "bundles": [hash_bundle(bundle) for bundle in bundles],
        "options": asdict(options),
    }


def _place(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"path": str(path.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
