"""What a finished run leaves about itself: ``run.json`` and ``skipped.tsv``."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from peftsp.data.fasta import WrongRecord

RUN_FILE = "run.json"
SKIPPED_FILE = "skipped.tsv"


def write_skipped(skipped: Iterable[tuple[str, WrongRecord]], folder: Path) -> Path:
    """Write the records that were left out; the file appears whole.

    Args:
        skipped: Names of files, and what is wrong in them.
        folder: Gets ``skipped.tsv``.
    """
    partial = folder / f".{SKIPPED_FILE}.partial"
    with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("file", "line", "id", "reason"))
        writer.writerows((name, w.line, w.identifier, w.reason) for name, w in skipped)
    return partial.replace(folder / SKIPPED_FILE)


def write_run_record(facts: dict[str, Any], files: Sequence[Path], folder: Path) -> None:
    """Write ``run.json``, and delete what only an earlier run in the same folder wrote.

    Args:
        facts: JSON-compatible.
        files: What this run wrote, in the folder.
        folder: The run's folder.
    """
    names = [path.name for path in files]
    for name in _earlier_files(folder):
        stale = folder / name
        if name in names or stale.parent != folder:
            continue
        if stale.is_dir():
            shutil.rmtree(stale)
        else:
            stale.unlink(missing_ok=True)
    partial = folder / f".{RUN_FILE}.partial"
    partial.write_text(json.dumps({**facts, "files": names}, indent=2) + "\n")
    partial.replace(folder / RUN_FILE)


def _earlier_files(folder: Path) -> list[str]:
    try:
        names = json.loads((folder / RUN_FILE).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
