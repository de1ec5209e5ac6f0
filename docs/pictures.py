"""Draws the pictures of the documentation: `python docs/pictures.py`.

They are the packages as the import rules order them, the page of a prediction, and the page that
predicts, for which Chromium or Chrome and the files of `npm ci --prefix peftsp/app` are needed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from html import escape
from pathlib import Path

from peftsp.app.cli import main as write_app

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browser import open_tab  # noqa: E402

PACKAGES = DOCS / "packages.svg"
PAGE = DOCS / "report.png"
APP = DOCS / "app.png"
_PROTEINS = DOCS.parent / "examples" / "proteins.fasta"
_SIZE = 1280, 860
_NAME = "document.querySelector('td.name button')"
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


def take_pictures() -> None:
    """The page of a prediction, and the page that predicts, each with a protein's plot."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(DOCS.parent / "predict.py"), str(_PROTEINS)]
        command += ["--formats", "html", "--no-progress", "-o", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        write_app(["fast", "-o", str(folder / "app.html")])
        with open_tab(folder) as tab:
            tab.open((folder / "report.html").as_uri(), *_SIZE)
            tab.wait_for(_NAME)
            tab.run(f"{_NAME}.click()")
            tab.picture(PAGE)
            tab.open((folder / "app.html").as_uri(), *_SIZE)
            tab.wait_for("!byId('predict').disabled")
            tab.run("byId('example').click(); form.requestSubmit()")
            tab.wait_for("records.length && byId('stop').hidden")
            tab.picture(APP)


if __name__ == "__main__":
    PACKAGES.write_text(draw_packages())
    take_pictures()
