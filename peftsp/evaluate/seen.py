"""Which proteins of a data set a bundle has not seen, from what it says of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peftsp.data.folds import NESTED, folds_of
from peftsp.data.identity import dataset_digest, sequence_mark, split_marks
from peftsp.errors import BundleError, ConfigError
from peftsp.model.bundle import read_bundle
from peftsp.records import LabelledRecord


@dataclass(frozen=True)
class Member:
    """A bundle and what it has to do with a data set.

    Attributes:
        bundle: Its folder.
        label: Its name.
        seed: That it was trained with, 0 if it does not say.
        fold: Of the data set, if it was trained on one; None otherwise.
        tests: Test partition by fold: of its own first, then of those that train on the same
            partitions, if validation chose nothing, so that their model would be the same.
        folds: How many folds its protocol has.
        unseen: Places of the records whose sequences neither trained nor chose it.
        is_known: Whether it says all that it was trained on; otherwise no record counts as seen,
            but by its fold.
    """

    bundle: Path
    label: str
    seed: int
    fold: int | None
    tests: dict[int, int]
    folds: int
    unseen: frozenset[int]
    is_known: bool


def members_of(bundles: Sequence[Path], records: Sequence[LabelledRecord]) -> list[Member]:
    """What each bundle has seen of a data set.

    Raises:
        BundleError: A bundle is broken, or has seen every protein.
        ConfigError: A bundle was trained on the data set, but not on a fold that it has.
    """
    digest = dataset_digest(records)
    marks = [sequence_mark(record.residues) for record in records]
    return [_member(bundle, records, digest, marks) for bundle in bundles]


def _member(
    bundle: Path, records: Sequence[LabelledRecord], digest: str, marks: Sequence[str]
) -> Member:
    training = read_bundle(bundle).training
    name = str(training.get("name", bundle.name)).split("/")[-1]
    given = training.get("seed")
    seed = given if isinstance(given, int) else 0
    text = training.get("proteins")
    is_known = isinstance(text, str)
    seen = split_marks(text) if isinstance(text, str) else frozenset()
    unseen = frozenset(place for place, mark in enumerate(marks) if mark not in seen)
    if not unseen:
        raise BundleError(
            f"{bundle}: expected a bundle that has not seen some of the {len(records):,} proteins, "
            f"found one that was trained or chosen on all of them"
        )
    if training.get("dataset", {}).get("sha256") != digest:
        return Member(bundle, name, seed, None, {}, 1, unseen, is_known)
    data = training["data"]
    folds = folds_of((r.partition for r in records), data.get("protocol", NESTED))
    if not 0 <= data["fold"] < len(folds):
        raise ConfigError(
            f"{bundle}: expected a fold of 0 to {len(folds) - 1}, found {data['fold']}"
        )
    own = folds[data["fold"]]
    tests = {data["fold"]: own.test}
    if training.get("is_chosen") is False and data["train_splits"] == ["train"]:
        tests |= {n: fold.test for n, fold in enumerate(folds) if fold.train == own.train}
    return Member(bundle, name, seed, data["fold"], tests, len(folds), unseen, is_known)
