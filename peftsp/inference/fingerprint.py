"""What decides the predictions of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peftsp import __version__
from peftsp.inference.pipeline import Options
from peftsp.model.bundle import CONFIG_FILE, WEIGHTS_FILE


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


def hash_bundle(folder: Path) -> dict[str, str]:
    """SHA-256 of a bundle's files, in hexadecimal, by their names."""
    return {name: _sha256(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE)}


def _place(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"path": str(path.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
