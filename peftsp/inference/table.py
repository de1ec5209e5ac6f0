"""The table of predictions, which survives an interrupted run."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from peftsp.labels import SP_TYPES
from peftsp.records import Prediction

COLUMNS = (
    "id",
    "sp_type",
    *SP_TYPES,
    "cleavage_site",
    "cleavage_site_probability",
    "n_region_end",
    "h_region_end",
    "c_region_end",
)


class PredictionTable:
    """A CSV file that appears under its name only when it is whole.

    Until then its rows are in ``NAME.partial``, and ``NAME.partial.json`` says which run they are
    of. No row spans two lines, since no identifier holds a line end.

    Args:
        path: The table. A finished one of an earlier run goes when the first rows are written.
        fingerprint: What decides the rows, JSON-compatible; None if the run cannot be resumed.
    """

    def __init__(self, path: Path, fingerprint: dict[str, Any] | None) -> None:
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self._sidecar = path.with_name(path.name + ".partial.json")
        self._fingerprint = fingerprint
        self._kept_bytes = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def resume(self, window: int) -> Counter[str]:
        """Keep the rows that an interrupted run with the same fingerprint left.

        Args:
            window: Rows are kept in blocks of this many, so that the rest is predicted in the same
                batches as without the interruption and comes out the same to the last digit.

        Returns:
            Number of kept rows by SP type; empty if nothing is kept.
        """
        kept: Counter[str] = Counter()
        if self._fingerprint is None or self._read_sidecar() != self._fingerprint:
            return kept
        with self.partial.open("rb") as lines:
            offset = len(lines.readline())
            while len(block := list(islice(lines, window))) == window:
                rows = [_parse_row(line) for line in block]
                if not all(rows):
                    break
                kept.update(row[1] for row in rows)
                offset += sum(map(len, block))
        self._kept_bytes = offset if kept else 0
        return kept

    def write(self, predictions: Iterable[Prediction]) -> None:
        """Append rows and hand them to the operating system, so that they outlive this process."""
        if self._file is None:
            self._file = self._open()
        _writer(self._file).writerows(table_row(prediction) for prediction in predictions)
        self._file.flush()

    def finish(self) -> None:
        """Give the table its name."""
        if self._file is None:
            self._file = self._open()
        os.fsync(self._file.fileno())
        self._file.close()
        self.partial.replace(self.path)
        self._sidecar.unlink(missing_ok=True)

    def _open(self) -> TextIO:
        self.path.unlink(missing_ok=True)
        if self._kept_bytes:
            os.truncate(self.partial, self._kept_bytes)
            return self.partial.open("a", encoding="utf-8", newline="")
        # The sidecar goes first and comes last: it never describes the rows of another run.
        self._sidecar.unlink(missing_ok=True)
        file = self.partial.open("w", encoding="utf-8", newline="")
        _writer(file).writerow(COLUMNS)
        if self._fingerprint is not None:
            file.flush()
            self._sidecar.write_text(json.dumps(self._fingerprint, indent=2) + "\n")
        return file

    def _read_sidecar(self) -> Any:
        try:
            return json.loads(self._sidecar.read_text()) if self.partial.is_file() else None
        except (FileNotFoundError, ValueError):
            return None


def table_row(prediction: Prediction) -> list[str]:
    """The cells of a prediction in the order of `COLUMNS`; what there is none of stays empty.

    >>> table_row(Prediction("P1 x", "NO_SP", (0.9, 0.1, 0.0, 0.0, 0.0, 0.0), None, None, ()))[:4]
    ['P1', 'NO_SP', '0.900000', '0.100000']
    """
    site, certainty = prediction.cleavage_site, prediction.cleavage_site_probability
    ends = {region.name: str(region.end) for region in prediction.regions}
    return [
        prediction.header.split(maxsplit=1)[0],
        prediction.sp_type,
        *(f"{probability:.6f}" for probability in prediction.probabilities),
        "" if site is None else str(site),
        "" if certainty is None else f"{certainty:.6f}",
        *(ends.get(name, "") for name in ("n", "h", "c")),
    ]


def _writer(file: TextIO) -> Any:
    return csv.writer(file, lineterminator="\n")


def _parse_row(line: bytes) -> list[str]:
    """The cells of a whole row, nothing of a torn one."""
    if not line.endswith(b"\n"):
        return []
    row = next(csv.reader(io.StringIO(line.decode("utf-8", "replace"), newline="")))
    return row if len(row) == len(COLUMNS) else []
