"""Records that are left out, and why: ``skipped.tsv``."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from peftsp.data.fasta import WrongRecord
from peftsp.errors import plain

SKIPPED_FILE = "skipped.tsv"


class SkippedRecords:
    """Writes the records that are left out into ``skipped.tsv``, once there is one.

    Args:
        folder: Gets the file.

    Attributes:
        count: Records so far.
    """

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._path = folder / SKIPPED_FILE
        self._file: TextIO | None = None

    def note(self, name: str, wrong: WrongRecord) -> None:
        """Write down a record of the file of that name."""
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
            self._file.write("file\tline\tid\treason\n")
        cells = (name, str(wrong.line), wrong.identifier, wrong.reason)
        self._file.write("\t".join(map(plain, cells)) + "\n")
        self.count += 1

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
