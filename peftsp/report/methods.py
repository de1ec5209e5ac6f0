"""Runs grouped by what was tried: backbone, PEFT method, and the settings that differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peftsp.data.identity import DatasetIdentity
from peftsp.errors import RunError
from peftsp.runs.identity import method_of
from peftsp.runs.results import Run

_LONGEST = 52
"""Characters of settings in a label. Of more only those are shown that most methods have otherwise;
methods with too many of these are numbered."""


@dataclass(frozen=True)
class Method:
    """What several runs have in common.

    Attributes:
        label: Short name, unlike that of any other method.
        runs: Its runs, by fold and seed.
        settings: What makes it different from the other methods, by dotted name.
    """

    label: str
    runs: tuple[Run, ...]
    settings: dict[str, Any]

    @property
    def folds(self) -> list[int]:
        """The folds that it has runs of, in order."""
        return sorted({run.record.fold for run in self.runs})


def group_runs(runs: Iterable[Run]) -> list[Method]:
    """Group runs over folds and seeds.

    Raises:
        RunError: The runs are of different data sets, or two are of the same method, fold and seed.
    """
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: str(run.folder)):
        groups.setdefault(_identity(run), []).append(run)
    _check_dataset([run for group in groups.values() for run in group])
    settings = [method_of(group[0].record) for group in groups.values()]
    firsts = [group[0].record for group in groups.values()]
    several_backbones = len({record.backbone for record in firsts}) > 1
    methods = []
    for group, own, record in zip(groups.values(), settings, firsts, strict=True):
        alike = [
            other
            for other, its in zip(settings, firsts, strict=True)
            if (its.backbone, its.method) == (record.backbone, record.method)
        ]
        label = f"{record.method} {record.backbone}" if several_backbones else record.method
        differing = _differing(own, alike)
        label += _in_brackets(differing) or _in_brackets(_unusual(differing, alike))
        methods.append(Method(label, _in_order(group), _differing(own, settings)))
    return _with_unique_labels(methods)


def _identity(run: Run) -> str:
    record = run.record
    return json.dumps([record.backbone, record.method, method_of(record)], sort_keys=True)


def _in_order(group: list[Run]) -> tuple[Run, ...]:
    found: dict[tuple[int, int], Run] = {}
    for run in group:
        place = run.record.fold, run.record.seed
        if place in found:
            raise RunError(
                f"{run.folder}: expected one run of a method for each fold and seed, found another "
                f"of fold {place[0]} and seed {place[1]}: {found[place].folder}; leave one out"
            )
        found[place] = run
    return tuple(found[place] for place in sorted(found))


def _check_dataset(runs: list[Run]) -> None:
    first = runs[0]
    tested: dict[int, tuple[Run, set[str]]] = {}
    for run in runs:
        if run.record.dataset != first.record.dataset:
            raise RunError(
                f"{run.folder}: expected the data set of {first.folder} "
                f"({_named(first.record.dataset)}), found another ({_named(run.record.dataset)})"
            )
        proteins = set(run.predictions["protein"])
        other, expected = tested.setdefault(run.record.fold, (run, proteins))
        if proteins != expected:
            raise RunError(
                f"{run.folder}: expected the {len(expected)} test proteins of fold "
                f"{run.record.fold} that {other.folder} has, found {len(proteins)}, "
                f"{len(proteins & expected)} of them the same"
            )


def _named(dataset: DatasetIdentity) -> str:
    return f"{dataset.records} records in {dataset.folds} folds, sha256 {dataset.sha256[:12]}…"


def _differing(own: dict[str, Any], all_settings: list[dict[str, Any]]) -> dict[str, Any]:
    """Those of a method's settings that others have otherwise, or not at all."""
    absent = object()
    names = [
        name
        for name in sorted({name for settings in all_settings for name in settings})
        if any(s.get(name, absent) != own.get(name, absent) for s in all_settings)
    ]
    return {name: own.get(name, "–") for name in names}


def _unusual(own: dict[str, Any], all_settings: list[dict[str, Any]]) -> dict[str, Any]:
    """Those of a method's settings that no majority has."""
    return {
        name: value
        for name, value in own.items()
        if 2 * sum(s.get(name, "–") == value for s in all_settings) <= len(all_settings)
    }


def _in_brackets(settings: dict[str, Any]) -> str:
    """Settings as part of a label, where they are short enough for one."""
    parts = (f"{_short(name)} {_shown(value)}" for name, value in settings.items())
    text = f" ({', '.join(parts)})"
    return text if settings and len(text) <= _LONGEST else ""


def _short(name: str) -> str:
    return name.split(".")[-1].removesuffix(" (sha256)")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_unique_labels(methods: list[Method]) -> list[Method]:
    seen: dict[str, int] = {}
    unique = []
    for method in methods:
        seen[method.label] = seen.get(method.label, 0) + 1
        number = seen[method.label]
        label = method.label if number == 1 else f"{method.label} #{number}"
        unique.append(Method(label, method.runs, method.settings))
    return unique
