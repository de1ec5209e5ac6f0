"""Pictures in files, one a protein with a signal peptide.

Each kind of file has a folder of its own (``figures_png`` and so on), so that each appears whole
and a later run replaces just the kinds that it draws.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts, followed
from peftsp.inference.formats.process_pool import drawing
from peftsp.records import Prediction

_FOLDER = "figures_{}"
_LONGEST_NAME = 60
_SAVED: dict[str, dict[str, Any]] = {
    "png": {"pil_kwargs": {"compress_level": 3}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
"""Undated, and packed quickly."""
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "peftsp", "pdf.fonttype": 42}
"""Text stays text, which can be searched and edited."""


def file_name(prediction: Prediction, number: int, size: int, kind: str) -> str:
    """A name that every file system takes and no other protein of the run has.

    Args:
        prediction: What is drawn.
        number: Its place in the input, counted from 1.
        size: Number of proteins in the input.
        kind: Ending of the name.

    >>> file_name(Prediction("sp|P1/2 x", "SP", (), None, None, ()), 7, 4000, "png")
    '0007_sp_P1_2.png'
    """
    plain = unicodedata.normalize("NFKD", prediction.identifier).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", plain)[:_LONGEST_NAME].strip("._")
    return f"{number:0{len(str(size))}}{'_' if safe else ''}{safe}.{kind}"


def save(prediction: Prediction, path: Path) -> None:
    """Draw a prediction into a file; its name ends in a kind that `picture_of` knows."""
    path.write_bytes(picture_of(prediction, path.suffix[1:]))


def picture_of(prediction: Prediction, kind: str) -> bytes:
    """Draw a prediction; the same prediction makes the same bytes.

    Args:
        prediction: What to draw.
        kind: ``png``, ``svg`` or ``pdf``.
    """
    from matplotlib import rc_context

    from peftsp.inference.formats.figure import draw

    with rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks shows boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture = BytesIO()
        draw(prediction).savefig(picture, format=kind, **_SAVED[kind])
    return picture.getvalue()


def _write(read: Read, folder: Path, facts: RunFacts, kind: str) -> None:
    target = folder / _FOLDER.format(kind)
    target.mkdir()
    with drawing(save, facts.workers) as add:
        for number, prediction in enumerate(followed(read, f"{kind} figures", facts), 1):
            if prediction.sp_type != "NO_SP":
                add(prediction, target / file_name(prediction, number, facts.size, kind))


def _figures(kind: str, description: str, seconds: float) -> OutputFormat:
    folder = _FOLDER.format(kind)
    return OutputFormat(
        kind,
        f"{description} of each protein with a signal peptide, in {folder}/; takes longer "
        f"than predicting, some {seconds} s each on a core",
        partial(_write, kind=kind),
        (folder,),
        needs_region_probabilities=True,
        requires=("matplotlib",),
    )


PNG = _figures("png", "picture", 0.2)
SVG = _figures("svg", "picture to edit", 0.2)
PDF = _figures("pdf", "picture to print", 0.6)
