"""Commands that need more than prediction does, and say so where it is missing."""

from __future__ import annotations

from importlib import import_module

from peftsp.command_line import EXIT_BAD_INPUT, lacking
from peftsp.errors import tell


def train() -> int:
    """``peftsp-train``."""
    return _start("peftsp-train", "peftsp.training.cli")


def search() -> int:
    """``peftsp-search``."""
    return _start("peftsp-search", "peftsp.search.cli")


def memory() -> int:
    """``peftsp-memory``."""
    return _start("peftsp-memory", "peftsp.memory.cli")


def _start(command: str, module: str) -> int:
    try:
        main = import_module(module).main
    except ModuleNotFoundError as error:
        if str(error.name).startswith("peftsp"):
            raise
        tell(f"error: {lacking(command, error, 'train')}")
        return EXIT_BAD_INPUT
    return main() or 0
