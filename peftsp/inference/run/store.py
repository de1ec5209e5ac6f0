"""The predictions of a run on disk, which survive an interruption."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self, TextIO

from peftsp import __version__
from peftsp.durable import writing_to
from peftsp.errors import ConfigError, tell
from peftsp.files import is_there
from peftsp.records import Prediction, Region, SequenceRecord

_REGION_DIGITS = 4
_TYPE_DIGITS = 6
_MARK = b'{"peftsp"'


@dataclass(frozen=True, slots=True)
class Tally:
    """How many predictions there are of what.

    Attributes:
        types: Proteins by SP type.
        unsure_sites: Proteins with `Prediction.has_unsure_site`.
    """

    types: Counter[str] = field(default_factory=Counter)
    unsure_sites: int = 0

    @classmethod
    def of(cls, predictions: Iterable[Prediction]) -> Self:
        """Count predictions."""
        types: Counter[str] = Counter()
        unsure_sites = 0
        for prediction in predictions:
            types[prediction.sp_type] += 1
            unsure_sites += prediction.has_unsure_site
        return cls(types, unsure_sites)

    @property
    def proteins(self) -> int:
        """Number of all predictions."""
        return self.types.total()

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.types + other.types, self.unsure_sites + other.unsure_sites)


class PredictionStore:
    """One line of JSON a prediction, in ``predictions.partial`` until the run is finished.

    The first line says which run the others are of.

    Args:
        folder: Where the run writes; it exists.
        fingerprint: What decides the predictions, JSON-compatible; None if the run cannot be
            resumed.
    """

    def __init__(self, folder: Path, fingerprint: dict[str, Any] | None) -> None:
        self.path = folder / "predictions.partial"
        self._run = {"peftsp": __version__, **(fingerprint or {})}
        self._can_resume = fingerprint is not None
        self._kept_bytes = 0
        self._file: TextIO | None = None

    def close(self) -> None:
        """Close the file; a full disk, which has refused the rest already, refuses it again."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def resume(self, window: int) -> Tally:
        """Keep the predictions that an interrupted run with the same fingerprint left.

        Args:
            window: Predictions are kept in blocks of this many, so that the rest is predicted in
                the same batches as without the interruption and comes out the same to the last
                digit.

        Returns:
            Counts of what is kept.

        Raises:
            ConfigError: What is there is of no run.
        """
        kept = Tally()
        if not self._can_resume or not self.path.is_file():
            return kept
        with self.path.open("rb") as lines:
            head = lines.readline()
            if head != (json.dumps(self._run) + "\n").encode():
                self._check_own()
                left = f"{sum(1 for _ in lines):,} predictions of an interrupted run"
                tell(f"{self.path}: {left} with another input or other settings are dropped")
                return kept
            offset = len(head)
            while len(block := list(islice(lines, window))) == window:
                found = [prediction for line in block if (prediction := _parse(line))]
                if len(found) < window:
                    break
                kept += Tally.of(found)
                offset += sum(map(len, block))
        self._kept_bytes = offset
        return kept

    def check_kept(self, records: Iterator[SequenceRecord]) -> None:
        """Take the records that `resume` has the predictions of, and check that they are those.

        An input may have been replaced by another one of the same size and time.

        Raises:
            ConfigError: They are others.
        """
        with self.path.open("rb") as lines:
            offset = len(lines.readline())
            while offset < self._kept_bytes:
                line = lines.readline()
                offset += len(line)
                kept, record = _parse(line), next(records, None)
                assert kept is not None
                if record is None or (record.header, record.residues) != (
                    kept.header,
                    kept.residues,
                ):
                    raise ConfigError(
                        f"{self.path.parent}: expected the input of the interrupted run, found "
                        f"another one from the protein {kept.identifier} on; --fresh starts anew"
                    )

    def write(self, predictions: Iterable[Prediction]) -> None:
        """Append, and hand to the operating system, so that this outlives the process.

        Raises:
            ConfigError: The folder cannot be written to.
        """
        with writing_to(self.path.parent):
            file = self._opened()
            file.writelines(_format(prediction) for prediction in predictions)
            file.flush()

    def read(self) -> Iterator[Prediction]:
        """Yield all predictions, those kept and those written, in order."""
        self._opened().flush()
        with self.path.open("rb") as lines:
            for line in islice(lines, 1, None):
                found = _parse(line)
                assert found is not None
                yield found

    def remove(self) -> None:
        """Delete the file, when everything that was wanted has been made of it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _opened(self) -> TextIO:
        if self._file is None:
            self._file = self._open()
        return self._file

    def _open(self) -> TextIO:
        if self._kept_bytes:
            os.truncate(self.path, self._kept_bytes)
            return self.path.open("a", encoding="utf-8", newline="\n")
        self._check_own()
        file = self.path.open("w", encoding="utf-8", newline="\n")
        file.write(json.dumps(self._run) + "\n")
        return file

    def _check_own(self) -> None:
        """Check that what is there was left by a run; one that was killed at once left nothing."""
        if is_there(self.path) and not (self.path.is_file() and _MARK.startswith(self._start())):
            raise ConfigError(
                f"{self.path}: expected nothing there or what a run left, found something else; "
                "move it away or choose another folder"
            )

    def _start(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(len(_MARK))


def _format(prediction: Prediction) -> str:
    certainty, rows = prediction.cleavage_site_probability, prediction.region_probabilities
    of_types = prediction.peptide_regions
    values = [
        prediction.header,
        prediction.sp_type,
        prediction.probabilities,
        prediction.cleavage_site,
        certainty,
        [astuple(region) for region in prediction.regions],
        prediction.residues,
        [astuple(motif) for motif in prediction.motifs],
        rows and _rounded(rows, _REGION_DIGITS),
        prediction.caveats,
        of_types and _rounded(of_types, _TYPE_DIGITS),
    ]
    return json.dumps(values, separators=(",", ":"), allow_nan=False) + "\n"


def _rounded(rows: tuple[tuple[float, ...], ...], digits: int) -> list[list[float]]:
    return [[round(probability, digits) for probability in row] for row in rows]


def _parse(line: bytes) -> Prediction | None:
    """The prediction of a whole line, nothing of a torn one."""
    if not line.endswith(b"\n"):
        return None
    try:
        header, sp_type, probabilities, site, certainty, regions, residues, motifs, *rest = (
            json.loads(line)
        )
        rows, caveats, of_types = rest
        return Prediction(
            header=header,
            sp_type=sp_type,
            probabilities=tuple(probabilities),
            cleavage_site=site,
            cleavage_site_probability=certainty,
            regions=tuple(Region(*region) for region in regions),
            residues=residues,
            motifs=tuple(Region(*motif) for motif in motifs),
            region_probabilities=rows and tuple(map(tuple, rows)),
            caveats=tuple(caveats),
            peptide_regions=of_types and tuple(map(tuple, of_types)),
        )
    except (ValueError, TypeError):
        return None
