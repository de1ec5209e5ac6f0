"""Which model is tested on which proteins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from peftsp.errors import BundleError
from peftsp.evaluate.seen import Member
from peftsp.records import LabelledRecord


@dataclass(frozen=True, slots=True)
class ModelTest:
    """One model, or several averaged, on some proteins.

    Attributes:
        label: Of the method.
        fold: In which the proteins are tested.
        seed: Tells models of one method and fold apart: that they were trained with, or the next
            number that no other has.
        bundles: Averaged if several.
        places: Of the records to predict.
    """

    label: str
    fold: int
    seed: int
    bundles: list[Path]
    places: list[int]


@dataclass(frozen=True, slots=True)
class Plan:
    """All tests.

    Attributes:
        tests: In order of methods.
        folds: How many there are.
        warnings: What a reader has to know.
    """

    tests: list[ModelTest]
    folds: int
    warnings: list[str]


def plan_tests(
    methods: Mapping[str, Sequence[Member]],
    records: Sequence[LabelledRecord],
    is_averaged: bool,
) -> Plan:
    """Test each model on proteins that it has not seen.

    Models that were trained on folds of the records are tested on these folds' test partitions, or
    averaged for each partition; others on all that none of them has seen.

    Raises:
        BundleError: Nothing is left to test on, or the folds of the bundles are not the same.
    """
    members = [member for group in methods.values() for member in group]
    warnings = [
        f"{member.label} does not say all that it was trained on; if it has seen these proteins, "
        f"its numbers are too good."
        for member in members
        if not member.is_known
    ]
    if any(member.fold is None for member in members):
        return _on_unseen(methods, records, is_averaged, warnings)
    if is_averaged:
        return _averaged(methods, records, warnings)
    other = next((member for member in members if member.folds != members[0].folds), None)
    if other is not None:
        raise BundleError(
            f"{other.bundle}: expected one of {members[0].folds} folds, as {members[0].bundle}, "
            f"found one of {other.folds}"
        )
    return _by_fold(methods, records, warnings)


def _by_fold(
    methods: Mapping[str, Sequence[Member]],
    records: Sequence[LabelledRecord],
    warnings: list[str],
) -> Plan:
    tests: list[ModelTest] = []
    for label, group in methods.items():
        own = {member.fold for member in group}
        taken: dict[int, set[int]] = defaultdict(set)
        for member in group:
            for fold, partition in member.tests.items():
                # A model stands for another fold only where that fold's own was not given.
                if fold != member.fold and fold in own:
                    continue
                places = [p for p, r in enumerate(records) if r.partition == partition]
                warnings += _of_seen(member, places, fold)
                seed = _free(member.seed, taken[fold])
                tests.append(ModelTest(label, fold, seed, [member.bundle], places))
    return Plan(tests, next(iter(methods.values()))[0].folds, warnings)


def _averaged(
    methods: Mapping[str, Sequence[Member]],
    records: Sequence[LabelledRecord],
    warnings: list[str],
) -> Plan:
    tests: list[ModelTest] = []
    partitions = sorted({record.partition for record in records})
    for label, group in methods.items():
        for fold, partition in enumerate(partitions):
            places = [p for p, r in enumerate(records) if r.partition == partition]
            fit = [m for m in group if partition in m.tests.values()]
            warnings += [line for member in fit for line in _of_seen(member, places, fold)]
            if fit:
                tests.append(ModelTest(label, fold, 0, [m.bundle for m in fit], places))
            else:
                warnings.append(
                    f"{label}: partition {partition} is left out, as every bundle has seen of it."
                )
    return Plan(tests, len(partitions), warnings)


def _of_seen(member: Member, places: Sequence[int], fold: int) -> list[str]:
    seen = len(set(places) - member.unseen)
    if not seen:
        return []
    return [
        f"{member.label} was trained or chosen on {seen} of the {len(places)} proteins that it is "
        f"tested on in fold {fold}, so that its numbers are too good."
    ]


def _on_unseen(
    methods: Mapping[str, Sequence[Member]],
    records: Sequence[LabelledRecord],
    is_averaged: bool,
    warnings: list[str],
) -> Plan:
    members = [member for group in methods.values() for member in group]
    places = sorted(frozenset.intersection(*(member.unseen for member in members)))
    if not places:
        raise BundleError(
            f"{members[0].bundle}: expected proteins that no bundle has seen, found none"
        )
    if len(places) < len(records):
        warnings.append(
            f"{len(records) - len(places)} of {len(records)} proteins are left out, as a bundle "
            f"was trained or chosen on them."
        )
    tests: list[ModelTest] = []
    for label, group in methods.items():
        if is_averaged:
            tests.append(ModelTest(label, 0, 0, [member.bundle for member in group], places))
            continue
        taken: set[int] = set()
        for member in group:
            seed = _free(member.seed, taken)
            tests.append(ModelTest(label, 0, seed, [member.bundle], places))
    return Plan(tests, 1, warnings)


def _free(seed: int, taken: set[int]) -> int:
    """The seed, or the next that is not taken; takes it."""
    while seed in taken:
        seed += 1
    taken.add(seed)
    return seed
