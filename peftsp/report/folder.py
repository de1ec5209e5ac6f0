"""The folder that a report is written to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peftsp.errors import RunError

PAGE = "report.html"
DOME = "dome.md"
FIGURES = "figures"
TABLES = "tables"


def check_output(folder: Path) -> None:
    """Check that a report may be written to a folder.

    Raises:
        RunError: It holds other files, or is one.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder for the report, found a file")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PAGE).is_file():
        raise RunError(
            f"{folder}: expected an empty folder or an earlier report, found other files"
        )


@contextmanager
def new_report(folder: Path) -> Iterator[Path]:
    """Give a place to write a report to; an earlier one stays until the new one is whole."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for name in (TABLES, FIGURES):
            (partial / name).mkdir(parents=True)
        yield partial
        _put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    # The page goes first and comes last, so that no page stands beside another report's files.
    for name in (PAGE, DOME):
        (output / name).unlink(missing_ok=True)
    for name in (TABLES, FIGURES):
        shutil.rmtree(output / name, ignore_errors=True)
        (partial / name).rename(output / name)
    for name in (DOME, PAGE):
        if (partial / name).exists():
            (partial / name).rename(output / name)
