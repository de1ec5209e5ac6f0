"""Draws the pictures of the documentation: `python docs/pictures.py`.

They are the packages as the import rules order them, a command in a terminal, and the page of a
prediction, for which Chromium or Chrome has to be installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from html import escape
from pathlib import Path

from rich.console import Console

DOCS = Path(__file__).resolve().parent
PACKAGES = DOCS / "packages.svg"
TERMINAL = DOCS / "terminal.svg"
PAGE = DOCS / "report.png"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_COMMAND = ("examples/proteins.fasta", "--formats", "csv,html", "--no-progress", "-o")
_WIDTH, _ROW, _GAP = 760, 46, 12


def draw_packages() -> str:
    """The layers of `pyproject.toml` as SVG: who imports stands above what is imported."""
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(rule["layers"] for rule in settings["contracts"] if rule["type"] == "layers")
    rows = [layer.split(" | ") for layer in layers]
    height = len(rows) * (_ROW + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="15" text-anchor="middle">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, names in enumerate(rows):
        top = _GAP + number * (_ROW + _GAP)
        wide = (_WIDTH - _GAP) / len(names)
        for place, name in enumerate(names):
            left = _GAP + place * wide
            parts.append(
                f'<rect x="{left:.0f}" y="{top}" width="{wide - _GAP:.0f}" height="{_ROW}" rx="6" '
                'fill="#e2e8f0" stroke="#334155"/>'
                f'<text x="{left + (wide - _GAP) / 2:.0f}" y="{top + 29}">{escape(name)}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def record_terminal() -> str:
    """A prediction and the first columns of its table, as SVG."""
    console = Console(record=True, width=100, stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        done = _predict(Path(folder))
        console.print(f"$ peftsp-predict {' '.join(_COMMAND)} out", markup=False, highlight=False)
        console.print(done.replace(folder, "out"), markup=False, highlight=False)
        console.print("$ cut -d, -f1,2,9,10 out/predictions.csv", markup=False, highlight=False)
        for line in (Path(folder) / "predictions.csv").read_text().splitlines():
            cells = line.split(",")
            console.print(",".join([*cells[:2], *cells[8:10]]), markup=False, highlight=False)
    svg = console.export_svg(title="peftsp", unique_id="peftsp")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def take_picture(browser: str) -> None:
    """The page of a prediction as a browser shows it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _predict(folder)
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--window-size=1100,760", f"--user-data-dir={folder / 'profile'}"),
                *(f"--screenshot={PAGE}", (folder / "report.html").as_uri()),
            ],
            check=True,
            capture_output=True,
        )


def _predict(folder: Path) -> str:
    script = DOCS.parent / "predict.py"
    done = subprocess.run(
        [sys.executable, str(script), *_COMMAND, str(folder)],
        cwd=DOCS.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return (done.stdout + done.stderr).strip()


if __name__ == "__main__":
    PACKAGES.write_text(draw_packages())
    TERMINAL.write_text(record_terminal())
    found = [path for name in _BROWSERS if (path := shutil.which(name))]
    if found:
        take_picture(found[0])
    else:
        print(f"{PAGE.name} stays as it is: no browser is installed", file=sys.stderr)
