"""The files of a bundle, told without reading what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from peftsp.errors import BundleError, ConfigError
from peftsp.files import is_there

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
CARD = "README.md"
CARD_OF_START = "START.md"
"""The card of the model that a bundle was trained on from."""
LICENCES = ("LICENSE", "NOTICE")
GRAPH_FILES = {"fp32": "graph.onnx", "int8": "graph_int8.onnx"}
"""By precision, the same model for ONNX Runtime, which takes its weights from the other files."""


def check_bundle(folder: Path) -> None:
    """Check that a folder is there that may be a bundle.

    Raises:
        BundleError: It has no config.json.
    """
    if not is_there(folder / CONFIG_FILE):
        raise BundleError(
            f"{folder}: expected a bundle folder with {CONFIG_FILE} in it, found none"
        )


def check_new(folder: Path) -> None:
    """Check that a folder is not there yet.

    Raises:
        ConfigError: It is.
    """
    if is_there(folder):
        raise ConfigError(f"{folder}: expected a new folder, found one that exists")


def hash_bundle(folder: Path) -> dict[str, str]:
    """SHA-256 of a bundle's files, or of a graph's, in hexadecimal, by their names."""
    files = (folder,) if folder.is_file() else (folder / CONFIG_FILE, folder / WEIGHTS_FILE)
    found = {}
    for path in files:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
