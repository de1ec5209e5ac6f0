"""The public data sets of SignalP 6.0 and PEFT-SP: found on disk, or downloaded, then checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from peftsp.data.labelled import read_labelled
from peftsp.errors import ConfigError, DownloadError
from peftsp.records import LabelledRecord

_FOLDER_VARIABLE = "PEFTSP_DATA_DIR"
_BASE_URL = "https://raw.githubusercontent.com/shuaizengMU/PEFT-SP/master/data/"


@dataclass(frozen=True, slots=True)
class _PublicFile:
    url: str
    sha256: str


PUBLIC_FILES = {
    "train_set": _PublicFile(
        f"{_BASE_URL}train_set.fasta",
        "d0e286e96165fad5d86f0b7dfadd9eaf084b0f3668a796062851b2988b1b3943",
    ),
    "small_dataset_10": _PublicFile(
        f"{_BASE_URL}small_data/small_dataset_10.fasta",
        "1356d3c82f742c7c5e653fe494c3e1239b76709f8c5fe4e0d3ca366f8fb451a7",
    ),
    "small_dataset_20": _PublicFile(
        f"{_BASE_URL}small_data/small_dataset_20.fasta",
        "0686b204553cada7a62e2e2ff372cde20729656f8213c0c0a04cc61147cd66a3",
    ),
    "small_dataset_30": _PublicFile(
        f"{_BASE_URL}small_data/small_dataset_30.fasta",
        "4721eea00338ea9508402c4677005497bcfd1f8f8890b357f7d4d3c5ab747ef7",
    ),
}
"""Name to address and content hash."""


@dataclass(frozen=True, slots=True)
class SignalP6File:
    """A data set of SignalP 6.0 (Teufel et al., Nat. Biotechnol. 2022), or a subset of PEFT-SP.

    Attributes:
        name: One of `PUBLIC_FILES`.
        dir: Folder that holds ``<name>.fasta``; None looks in ``$PEFTSP_DATA_DIR``. A file that is
            in neither is downloaded once into the user's cache.
    """

    name: str
    dir: str | os.PathLike[str] | None = None

    def load(self) -> list[LabelledRecord]:
        """Return the records of the file.

        Raises:
            ConfigError: There is no such data set.
            DownloadError: The file is not at hand and cannot be fetched, or has other content.
        """
        return read_labelled(self.locate())

    def locate(self) -> Path:
        """Return the path of the file, downloading it if need be; raises as `load`."""
        if self.name not in PUBLIC_FILES:
            names = ", ".join(PUBLIC_FILES)
            raise ConfigError(f"data set: expected one of {names}, found {self.name!r}")
        folder = self.dir or os.environ.get(_FOLDER_VARIABLE)
        path = Path(folder) / f"{self.name}.fasta" if folder else None
        if path is not None and path.is_file():
            _check_content(path, PUBLIC_FILES[self.name].sha256)
            return path
        return _download(PUBLIC_FILES[self.name], f"{self.name}.fasta", path)


def _check_content(path: Path, sha256: str) -> None:
    found = pooch.file_hash(str(path))
    if found != sha256:
        raise DownloadError(f"{path}: expected the sha256 {sha256}, found {found}")


def _download(file: _PublicFile, name: str, expected_at: Path | None) -> Path:
    cache = pooch.os_cache("peftsp")
    try:
        return Path(
            pooch.retrieve(
                file.url, f"sha256:{file.sha256}", fname=name, path=cache, progressbar=True
            )
        )
    except (OSError, ValueError) as error:
        # A wrong hash is a ValueError that names both; what requests says of a dead network is
        # longer than its class name and tells no more.
        reason = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise DownloadError(
            f"{file.url}: cannot download ({reason}); "
            f"put the file at {expected_at or Path(cache) / name} by hand"
        ) from error
