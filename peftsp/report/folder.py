"""The folder that a report is written to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from peftsp import __version__
from peftsp.durable import writing_to
from peftsp.errors import RunError
from peftsp.files import read_json

PAGE = "report.html"
DOME = "dome.md"
FIGURES = "figures"
TABLES = "tables"

_LIST = "report.json"
_PLACES = (PAGE, DOME, FIGURES, TABLES)


def check_output(folder: Path) -> None:
    """Check that a report may be written to a folder: one that is empty or has an earlier report.

    Raises:
        RunError: It is a file, or something is in the way that no report wrote.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder for the report, found a file")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / _LIST).is_file():
        raise RunError(
            f"{folder}: expected an empty folder or an earlier report with its {_LIST}, "
            f"found other files"
        )
    own = set(_files(folder))
    places = [path for name in _PLACES for path in [folder / name, *(folder / name).rglob("*")]]
    for path in places:
        if path.is_file() and path.relative_to(folder).as_posix() not in own:
            raise RunError(f"{path}: expected what an earlier report wrote, found another file")


@contextmanager
def new_report(folder: Path) -> Iterator[Path]:
    """Give a place to write a report to; an earlier one stays until the new one is whole."""
    folder = folder.resolve()
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(".partial", f".{folder.name}.", folder.parent))
        try:
            for name in (TABLES, FIGURES):
                (partial / name).mkdir()
            yield partial
            _put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, folder: Path) -> None:
    """Let the new files take the place of the old; the page goes first and comes last."""
    new = sorted(path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
    old = _files(folder) if (folder / _LIST).is_file() else []
    for name in sorted(old, key=lambda name: name != PAGE):
        (folder / name).unlink(missing_ok=True)
    written = {"peftsp": __version__, "files": [path.as_posix() for path in new]}
    folder.mkdir(exist_ok=True)
    (folder / _LIST).write_text(
        json.dumps(written, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    for path in sorted(new, key=lambda path: path.name == PAGE):
        (folder / path).parent.mkdir(exist_ok=True)
        (partial / path).replace(folder / path)


def _files(folder: Path) -> list[str]:
    """What a report's list says that it wrote.

    Raises:
        RunError: It is no such list, or names a file elsewhere.
    """
    path = folder / _LIST
    files = read_json(path, RunError).get("files")
    if not isinstance(files, list) or not all(_is_inside(name) for name in files):
        raise RunError(f"{path}: expected the files of an earlier report, found something else")
    return files


def _is_inside(name: object) -> bool:
    return isinstance(name, str) and name.split("/")[0] in _PLACES and ".." not in name.split("/")
