"""What identifies a run, and what it says of itself in ``prediction.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peftsp import __version__
from peftsp.inference.compute.options import ModelSettings, Options
from peftsp.inference.run.settings import RunSettings, RunSummary
from peftsp.labels import SP_TYPES
from peftsp.model.bundle_files import hash_bundle

if TYPE_CHECKING:
    from peftsp.inference.compute.predictor import Predictor


def describe_run(
    settings: RunSettings,
    inputs: Sequence[str],
    predictor: Predictor,
    summary: RunSummary,
    times: tuple[datetime, datetime],
) -> dict[str, Any]:
    """Say how results came about.

    Args:
        settings: What was asked for.
        inputs: Files that were read.
        predictor: What predicted.
        summary: What came of it.
        times: When the run started, and when the last protein was predicted.

    Returns:
        JSON-compatible; times are local, with their offset.
    """
    started, finished = (time.isoformat(timespec="seconds") for time in times)
    graph = settings.model.graph
    return {
        "peftsp": __version__,
        "started": started,
        "finished": finished,
        "inputs": list(inputs),
        "bundles": [_described(bundle) for bundle in settings.model.bundles],
        "graph": graph and _described(graph),
        "device": predictor.device,
        "kingdom": settings.model.kingdom,
        "options": asdict(predictor.options),
        "formats": [getattr(choice, "name", choice) for choice in settings.formats],
        "proteins": summary.tally.proteins,
        "counts": {name: summary.tally.types[name] for name in SP_TYPES},
        "cleavage_sites_below_half": summary.tally.unsure_sites,
        "skipped": summary.skipped,
        "proteins_a_second": round(summary.predicted / max(summary.seconds, 1e-9), 1),
    }


def fingerprint_run(
    inputs: Sequence[Path], model: ModelSettings, options: Options
) -> dict[str, Any]:
    """Describe a run; two runs with equal descriptions predict the same.

    Where the backbone's weights lie is left out: a bundle pins their content. So are batch size,
    device and threads, which change rounding only.

    Args:
        inputs: The input files, told by their places, sizes and times of change.
        model: What predicts: bundles, and a graph that stands for them, told by their content.
        options: What is told to the models and asked of them.

    Returns:
        JSON-compatible.
    """
    return {
        "peftsp": __version__,
        "inputs": [_place(path) for path in inputs],
        "bundles": [hash_bundle(bundle) for bundle in model.bundles],
        "graph": model.graph and hash_bundle(model.graph),
        "options": asdict(options),
    }


def _described(bundle: Path) -> dict[str, Any]:
    return {"path": str(bundle), "sha256": hash_bundle(bundle)}


def _place(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"path": str(path.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
