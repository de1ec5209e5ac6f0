"""Where labelled records come from."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Protocol

from peftsp.data.labelled import read_labelled
from peftsp.records import LabelledRecord


class RecordSource(Protocol):
    """Anything that yields the labelled records of an experiment."""

    def load(self) -> list[LabelledRecord]:
        """Return all records of all partitions; the same ones each time."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A 3-line file of the user.

    Attributes:
        path: The file, plain or packed by gzip, xz or zst.
        is_extra: Whether its records may have homologs in several partitions.
    """

    path: str | PathLike[str]
    is_extra: bool = False

    def load(self) -> list[LabelledRecord]:
        """Return the records of the file.

        Raises:
            RecordError: The file cannot be read, or a record in it is wrong.
        """
        return read_labelled(self.path, is_extra=self.is_extra)
