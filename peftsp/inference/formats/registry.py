"""All output formats by name, and how a run writes them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from peftsp.errors import ConfigError
from peftsp.inference.formats.base import OutputFormat, Read, RunFacts
from peftsp.inference.formats.figure_files import PDF, PNG, SVG
from peftsp.inference.formats.gff3 import GFF3
from peftsp.inference.formats.json_lines import JSON_LINES
from peftsp.inference.formats.mature import FASTA
from peftsp.inference.formats.report import HTML
from peftsp.inference.formats.signalp6.output import SIGNALP6
from peftsp.inference.formats.table import CSV, PARQUET, TSV

FORMATS: dict[str, OutputFormat] = {
    choice.name: choice
    for choice in (CSV, TSV, PARQUET, JSON_LINES, GFF3, FASTA, SIGNALP6, HTML, PNG, SVG, PDF)
}


def find_formats(choices: Iterable[str | OutputFormat]) -> list[OutputFormat]:
    """Formats by name, each once; what is a format already stays as it is.

    Raises:
        ConfigError: There is no such format, or what it needs is not installed.
    """
    formats = []
    for choice in dict.fromkeys(choices):
        if isinstance(choice, str) and choice not in FORMATS:
            raise ConfigError(f"--formats: expected some of {', '.join(FORMATS)}, found {choice!r}")
        found = FORMATS[choice] if isinstance(choice, str) else choice
        missing = [module for module in found.requires if find_spec(module) is None]
        if missing:
            raise ConfigError(
                f"--formats {found.name}: expected the package {missing[0]}, found none; "
                f"pip install {missing[0]}"
            )
        formats.append(found)
    if not formats:
        raise ConfigError(f"--formats: expected some of {', '.join(FORMATS)}, found none")
    return formats


def write_formats(
    formats: Iterable[OutputFormat], read: Read, folder: Path, facts: RunFacts
) -> tuple[Path, ...]:
    """Write each format beside the run's folder's other files; each file appears whole.

    Args:
        formats: What to write.
        read: Yields the predictions.
        folder: The run's folder.
        facts: What writers may say of the run.

    Returns:
        Paths of files and folders, in order of the formats.
    """
    written = []
    for choice in formats:
        workshop = folder / f".{choice.name}.partial"
        shutil.rmtree(workshop, ignore_errors=True)
        workshop.mkdir()
        try:
            choice.write(read, workshop, facts)
            for made in sorted(workshop.iterdir()):
                target = folder / made.name
                if target.is_dir():
                    shutil.rmtree(target)
                made.replace(target)
                written.append(target)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
    return tuple(written)
