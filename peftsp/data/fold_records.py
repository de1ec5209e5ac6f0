"""What trains, validates and tests in one fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from peftsp.data.chimeras import tat_lipoproteins
from peftsp.data.extra import trainable
from peftsp.errors import ConfigError
from peftsp.records import LabelledRecord

SPLITS = ("train", "validation", "test")

_SAID = attrgetter("accession", "kingdom", "sp_type", "partition", "residues", "annotation")


@dataclass(frozen=True, slots=True)
class FoldRecords:
    """The records of one fold.

    Attributes:
        splits: Records of each of `SPLITS`, `in_order`; chimeras stand last among those that train.
        chimeras: How many of those that train are joined from two.
        notes: A line for each thing about them that a user should know.
    """

    splits: dict[str, list[LabelledRecord]]
    chimeras: int
    notes: list[str]

    def sizes(self) -> dict[str, int]:
        """How many records each split has."""
        return {name: len(records) for name, records in self.splits.items()}


def check_train_splits(names: Sequence[str]) -> None:
    """Check which splits are to be trained on.

    Raises:
        ConfigError: Train is not among them, or something that is no split.
    """
    if "train" not in names or not set(names) <= set(SPLITS):
        raise ConfigError(
            f"data.train_splits: expected train, and perhaps validation and test, "
            f"found {', '.join(names) or 'none'}"
        )


def fold_records(
    parts: Sequence[list[LabelledRecord]],
    extra: Sequence[LabelledRecord],
    train_splits: Sequence[str],
    chimeras: int,
    seed: int,
) -> FoldRecords:
    """Put together what a fold trains on beside the records of its partitions.

    Args:
        parts: Records of each of `SPLITS`, as `peftsp.data.folds.split` gives them.
        extra: Further records, of which those train that `peftsp.data.extra.trainable` lets.
        train_splits: Which of `SPLITS` are trained on; validation and test still hold theirs.
        chimeras: As ``count`` of `peftsp.data.chimeras.tat_lipoproteins`.
        seed: Of the chimeras.

    Raises:
        ConfigError: The number of chimeras is negative.
    """
    splits = {name: in_order(part) for name, part in zip(SPLITS, parts, strict=True)}
    notes = []
    repeated = _repeated(parts)
    if repeated:
        notes.append(
            f"data: {repeated:,} sequences stand in several partitions: scores may be too high"
        )
    held = [record for name in SPLITS if name not in train_splits for record in splits[name]]
    used = trainable(extra, held)
    if len(used) < len(extra):
        notes.append(
            f"data.extra_path: {len(extra) - len(used):,} of {len(extra):,} records left out, "
            f"whose sequences or homologs validate or test"
        )
    trained = in_order([record for name in train_splits for record in splits[name]] + used)
    joined = tat_lipoproteins(trained, chimeras, seed)
    if joined:
        notes.append(f"data.chimeras: {len(joined):,} Tat lipoproteins joined from two")
    return FoldRecords({**splits, "train": trained + joined}, len(joined), notes)


def in_order(records: Iterable[LabelledRecord]) -> list[LabelledRecord]:
    """Records in an order that is their own, so that the same data in another file train alike."""
    return sorted(records, key=_SAID)


def _repeated(parts: Sequence[list[LabelledRecord]]) -> int:
    in_parts = Counter(residues for part in parts for residues in {r.residues for r in part})
    return sum(count > 1 for count in in_parts.values())
