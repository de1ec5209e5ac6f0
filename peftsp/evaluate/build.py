"""Bundles and contenders on one data set, to a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from peftsp.data.identity import DatasetIdentity, dataset_digest
from peftsp.errors import ConfigError, RecordError
from peftsp.evaluate.contenders import read_contender
from peftsp.evaluate.dataset import read_test_set
from peftsp.evaluate.groups import read_groups
from peftsp.evaluate.options import APART, ENSEMBLE
from peftsp.evaluate.plan import Plan, plan_tests
from peftsp.evaluate.rows import Predicting, call_row, collapsed, predict_rows, run_of
from peftsp.evaluate.seen import Member, members_of
from peftsp.evaluate.summaries import (
    calibration_table,
    confusion_table,
    gives_probabilities,
    group_table,
    threshold_table,
)
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.records import LabelledRecord
from peftsp.report.build import ReportSettings, ReportSummary, write_report
from peftsp.report.caveats import find_caveats
from peftsp.report.folder import check_output
from peftsp.report.measure_tables import OWN_COLUMNS
from peftsp.report.methods import group_runs
from peftsp.report.table import Table
from peftsp.runs.folder import BUNDLE
from peftsp.runs.results import Run


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """What to evaluate and how.

    Attributes:
        methods: Folders of models by the name of their method.
        data: A 3-line file, or a table as `read_test_set` takes it.
        together: What several models of a method are. ``folds``: its runs, each on its test
            partition where it was trained on the data, else on all; ``ensemble``: one averaged
            model; ``apart``: methods of their own.
        contenders: Files of other programs by name.
        is_presence: Whether the data know only signal peptide or not.
        groups: Table of accession and group; None for the one beside the data, if there is.
        predicting: How models predict.
        report: Where the report goes, and its resamples.
    """

    methods: Mapping[str, Sequence[Path]]
    data: Path
    together: str
    contenders: Mapping[str, Path]
    is_presence: bool
    groups: Path | None
    predicting: Predicting
    report: ReportSettings


@dataclass(frozen=True, slots=True)
class EvaluateSummary:
    """What was found.

    Attributes:
        report: The report.
        tables: Confusion, calibration, thresholds and groups.
    """

    report: ReportSummary
    tables: list[Table]


def evaluate_bundles(settings: EvaluateSettings) -> EvaluateSummary:
    """Predict labelled proteins that models have not seen, and write a report of it.

    Raises:
        PeftspError: A file, a bundle or a method's name is wrong, a bundle has seen all proteins,
            or a contender lacks some.
    """
    check_output(settings.report.output)
    test_set = read_test_set(settings.data)
    records = test_set.records
    if all(record.sp_type == SP_TYPES[NO_SP] for record in records):
        raise RecordError(
            f"{settings.data}: expected proteins with a signal peptide too, found "
            f"{len(records):,} without"
        )
    if settings.contenders:
        _check_told_apart(settings.data, records)
    groups = read_groups(settings.groups, settings.data)
    methods = {label: members_of(bundles, records) for label, bundles in settings.methods.items()}
    if settings.together == APART:
        methods = _each_its_own(methods)
    for name in (*methods, *settings.contenders):
        if name in OWN_COLUMNS:
            raise ConfigError(
                f"expected a method's name that no column of tables has, found {name}"
            )
    plan = plan_tests(methods, records, settings.together == ENSEMBLE)
    is_presence = settings.is_presence or not test_set.has_types
    how = replace(settings.predicting, sums_types=is_presence)
    dataset = DatasetIdentity(plan.folds, len(records), dataset_digest(records))
    about: dict[str, object] = {"path": settings.data.name}
    runs = _contender_runs(settings, records, plan, dataset, about)
    for test in plan.tests:
        rows = predict_rows(test.bundles, records, test.places, how)
        runs.append(run_of(test.label, test.fold, test.seed, rows, dataset, about))
    if is_presence:
        runs = [collapsed(run) for run in runs]
    reported = group_runs(runs)
    warnings = [*plan.warnings, *find_caveats(reported, []), *_of_contenders(settings, runs)]
    graded = [method for method in reported if gives_probabilities(method)]
    tables = [confusion_table(reported), calibration_table(graded)]
    if any(record.sp_type == SP_TYPES[NO_SP] for record in records):
        tables.append(threshold_table(graded))
    else:
        warnings.append(
            "All proteins have a signal peptide, so MCC and precision say nothing of false calls."
        )
    tables.append(group_table(reported, groups))
    # Those are of six types.
    report = replace(settings.report, has_published=not is_presence)
    return EvaluateSummary(write_report(reported, report, [], warnings, tables), tables)


def _each_its_own(methods: Mapping[str, Sequence[Member]]) -> dict[str, list[Member]]:
    members = [member for group in methods.values() for member in group]
    folders = [member.bundle.resolve() for member in members]
    names = _told_apart([f.parent if f.name == BUNDLE else f for f in folders])
    return {name: [member] for name, member in zip(names, members, strict=True)}


def _told_apart(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with as many of those that they lie in as tells them apart.

    >>> _told_apart([Path("/a/lora"), Path("/b/lora")])
    ['a-lora', 'b-lora']
    """
    most = max(len(folder.parts) for folder in folders)
    names = [folder.name for folder in folders]
    for count in range(2, most + 1):
        if len(set(names)) < len(set(folders)):
            names = ["-".join(folder.parts[-count:]) for folder in folders]
    return names


def _contender_runs(
    settings: EvaluateSettings,
    records: Sequence[LabelledRecord],
    plan: Plan,
    dataset: DatasetIdentity,
    about: dict[str, object],
) -> list[Run]:
    """What other programs call, beside each model that is to be compared with it."""
    runs = []
    tested = {(test.fold, test.seed): test.places for test in plan.tests}
    for name, path in settings.contenders.items():
        calls = read_contender(path)
        for (fold, seed), places in tested.items():
            lost = [records[p].accession for p in places if records[p].accession not in calls]
            if lost:
                raise RecordError(
                    f"{path}: expected a call of each of {len(places)} proteins, found none of "
                    f"{len(lost)}, {lost[0]} the first"
                )
            rows = {p: call_row(records[p], calls[records[p].accession]) for p in places}
            runs.append(run_of(name, fold, seed, rows, dataset, about))
    return runs


def _check_told_apart(path: Path, records: Sequence[LabelledRecord]) -> None:
    """Another program's calls have names alone to tell proteins by."""
    residues: dict[str, str] = {}
    for record in records:
        if residues.setdefault(record.accession, record.residues) != record.residues:
            raise RecordError(
                f"{path}: expected each protein by a name of its own, as --contender tells them by "
                f"that, found {record.accession} with two sequences"
            )


def _of_contenders(settings: EvaluateSettings, runs: Sequence[Run]) -> list[str]:
    """What is to be known of other programs."""
    found = [
        f"{name}: nothing says whether it was trained on these proteins; if so, its numbers are "
        f"too good."
        for name in settings.contenders
    ]
    true_types = {name for run in runs for name in run.predictions["sp_type"]}
    for name in settings.contenders:
        own = [run.predictions["predicted_type"] for run in runs if run.record.method == name]
        if true_types - {SP_TYPES[NO_SP], "SP"} and set(pd.concat(own)) <= {SP_TYPES[NO_SP], "SP"}:
            found.append(
                f"{name} calls signal peptides SP, whatever their type; --types presence compares "
                f"whether there is one."
            )
    return found
