"""What decides the rows of a table of predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peftsp import __version__
from peftsp.model.bundle import CONFIG_FILE, WEIGHTS_FILE


def fingerprint_run(fasta: Path, bundles: Sequence[Path], kingdom: int) -> dict[str, Any]:
    """Describe a run; two runs with equal descriptions write the same table.

    Where the backbone's weights lie is left out: a bundle pins their content. So are batch size,
    device and threads, which change rounding only.

    Args:
        fasta: The input file, told by its place, size and time of change.
        bundles: Bundle folders, told by their content.
        kingdom: Kingdom id, -1 where not known.

    Returns:
        JSON-compatible.
    """
    status = fasta.stat()
    return {
        "peftsp": __version__,
        "input": {
            "path": str(fasta.resolve()),
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
        },
        "bundles": [
            {name: _sha256(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE)}
            for folder in bundles
        ],
        "kingdom": kingdom,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
