"""Bundles and contenders on one data set, to a report."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from peftsp.data.identity import DatasetIdentity, dataset_digest
from peftsp.errors import BundleError, RecordError
from peftsp.evaluate.contenders import read_contender
from peftsp.evaluate.dataset import read_test_set
from peftsp.evaluate.rows import Predicting, call_row, collapsed, predict_rows, run_of
from peftsp.evaluate.seen import Member, members_of
from peftsp.evaluate.summaries import (
    calibration_table,
    confusion_table,
    group_table,
    threshold_table,
)
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.records import LabelledRecord
from peftsp.report.build import ReportSettings, ReportSummary, check_output, write_report
from peftsp.report.caveats import find_caveats
from peftsp.report.methods import group_runs
from peftsp.report.table import Table
from peftsp.runs.results import Run

FOLDS, ENSEMBLE, APART = "folds", "ensemble", "apart"
_OWN = "peftsp"


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """What to evaluate and how.

    Attributes:
        bundles: Folders of models.
        data: A 3-line file, or a table as `read_test_set` takes it.
        together: `FOLDS`: runs of one method, each on its test partition where it was trained on
            the data, else on all; `ENSEMBLE`: their average; `APART`: methods of their own.
        contenders: Files of other programs by name.
        is_presence: Whether the data know only signal peptide or not.
        groups: Table of accession and group; None for the one beside the data, if there is.
        predicting: How models predict.
        report: Where the report goes, and its resamples.
    """

    bundles: Sequence[Path]
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
        PeftspError: A file or bundle is wrong, a bundle has seen all proteins, or a contender lacks
            some.
    """
    check_output(settings.report.output)
    test_set = read_test_set(settings.data)
    records = test_set.records
    calls = {name: read_contender(path) for name, path in settings.contenders.items()}
    members = members_of(settings.bundles, records)
    is_trained_here = all(member.fold is not None for member in members)
    warnings = [
        f"{member.label} does not say what it was trained on; if it has seen these proteins, its "
        f"numbers are too good."
        for member in members
        if not member.is_known
    ]
    tested = _tested(members, records, settings.together, is_trained_here, warnings)
    count = max((fold for _, fold, _, _, _ in tested), default=0) + 1
    if is_trained_here and settings.together != ENSEMBLE:
        count = members[0].folds
    dataset = DatasetIdentity(count, len(records), dataset_digest(records))
    about: dict[str, object] = {"path": settings.data.name}
    runs: list[Run] = []
    for label, fold, seed, bundles, places in tested:
        rows = predict_rows(bundles, records, places, settings.predicting)
        runs.append(run_of(label, fold, seed, rows, dataset, about))
    for fold, places in {fold: places for _, fold, _, _, places in tested}.items():
        for name, found in calls.items():
            lost = [records[p].accession for p in places if records[p].accession not in found]
            if lost:
                raise RecordError(
                    f"{settings.contenders[name]}: expected a call of each of {len(places)} "
                    f"proteins, found none of {len(lost)}, {lost[0]} the first"
                )
            cells = {p: call_row(records[p], found[records[p].accession]) for p in places}
            runs.append(run_of(name, fold, 0, cells, dataset, about))
    if settings.is_presence or not test_set.has_types:
        runs = [collapsed(run) for run in runs]
    methods = group_runs(runs)
    warnings += find_caveats(methods, [])
    groups = _read_groups(settings)
    tables = [confusion_table(methods), calibration_table(methods)]
    if len({record.sp_type == SP_TYPES[NO_SP] for record in records}) > 1:
        tables.append(threshold_table(methods))
    tables.append(group_table(methods, groups))
    return EvaluateSummary(write_report(methods, settings.report, [], warnings, tables), tables)


_Tested = tuple[str, int, int, list[Path], list[int]]


def _tested(
    members: Sequence[Member],
    records: Sequence[LabelledRecord],
    together: str,
    is_trained_here: bool,
    warnings: list[str],
) -> list[_Tested]:
    """Label, fold, seed, bundles and proteins of each run."""
    if is_trained_here and together == ENSEMBLE:
        return _ensemble_of_folds(members, records, warnings)
    if is_trained_here:
        seeds: dict[object, int] = {}
        found: list[_Tested] = []
        for member in members:
            label = member.label if together == APART else _OWN
            others = set() if together == APART else {other.fold for other in members}
            for fold, test in member.tests.items():
                # Another fold's model is as good as its own where that was not given.
                if fold != member.fold and fold in others:
                    continue
                seed = seeds[label, fold] = seeds.get((label, fold), -1) + 1
                places = [p for p, r in enumerate(records) if r.partition == test]
                seen = len(set(places) - member.unseen)
                if seen:
                    warnings.append(
                        f"{member.label} was trained or chosen on {seen} of the {len(places)} "
                        f"proteins of its test partition, so that its numbers are too good."
                    )
                found.append((label, fold, seed, [member.bundle], places))
        return found
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
    if together == ENSEMBLE:
        return [(_OWN, 0, 0, [member.bundle for member in members], places)]
    return [
        (
            m.label if together == APART else _OWN,
            0,
            0 if together == APART else n,
            [m.bundle],
            places,
        )
        for n, m in enumerate(members)
    ]


def _ensemble_of_folds(
    members: Sequence[Member], records: Sequence[LabelledRecord], warnings: list[str]
) -> list[_Tested]:
    found: list[_Tested] = []
    for fold, partition in enumerate(sorted({record.partition for record in records})):
        places = [p for p, r in enumerate(records) if r.partition == partition]
        fit = [member.bundle for member in members if member.unseen.issuperset(places)]
        if fit:
            found.append((_OWN, fold, 0, fit, places))
        else:
            warnings.append(f"Partition {partition} is left out, as every bundle has seen of it.")
    if not found:
        raise BundleError(f"{members[0].bundle}: expected a partition not seen, found none")
    return found


def _read_groups(settings: EvaluateSettings) -> dict[str, str]:
    beside = settings.data.with_name(f"{settings.data.stem}.groups.tsv")
    path = settings.groups or (beside if beside.is_file() else None)
    if path is None:
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if not {"accession", "group"} <= set(rows.fieldnames or ()):
            raise RecordError(f"{path}:1: expected the columns accession and group, found others")
        return {row["accession"]: row["group"] for row in rows}
