"""All output formats by name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from peftsp.errors import ConfigError
from peftsp.inference.formats.base import OutputFormat
from peftsp.inference.formats.figure_files import PDF, PNG, SVG
from peftsp.inference.formats.gff3 import GFF3
from peftsp.inference.formats.json_lines import JSON_LINES
from peftsp.inference.formats.mature import FASTA
from peftsp.inference.formats.page import HTML
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
