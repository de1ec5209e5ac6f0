"""A whole report: runs read, measured, written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
from tqdm import tqdm

from peftsp.errors import RunError
from peftsp.report.archive import check_archive, write_archive
from peftsp.report.caveats import find_caveats
from peftsp.report.comparison import compare
from peftsp.report.dome import dome_sheet
from peftsp.report.evaluation import Evaluation, evaluate
from peftsp.report.figures import draw_all
from peftsp.report.folder import DOME, FIGURES, PAGE, TABLES, check_output, new_report
from peftsp.report.measure_tables import measure_tables
from peftsp.report.method_tables import (
    comparison_table,
    cost_table,
    overall_table,
    settings_table,
)
from peftsp.report.methods import Method, group_runs
from peftsp.report.page import PageContent, render_page
from peftsp.report.proteins import Proteins
from peftsp.report.published import published_for
from peftsp.report.table import Table
from peftsp.runs.results import find_runs, read_run

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What to report and how.

    Attributes:
        places: Folders of runs, or folders above them.
        output: Folder of the report.
        resamples: Of each bootstrap, and permutations of each test.
        seed: Of their draws.
        has_progress: Show progress bars if standard error is a terminal.
        archive: New .zip file for all that the report was made of; None for none.
        has_bundles: Put the models of the runs into it, too.
        against: Label of the method that all others are compared with; None: every two are.
        has_published: Put published figures beside those of the data set that they are of.
    """

    places: Sequence[Path]
    output: Path
    resamples: int
    seed: int
    has_progress: bool
    archive: Path | None = None
    has_bundles: bool = False
    against: str | None = None
    has_published: bool = True


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a report is of.

    Attributes:
        page: The page.
        runs: How many runs are in it.
        methods: Labels of its methods.
        skipped: Folders of runs that are not in it.
        warnings: What its reader has to know.
    """

    page: Path
    runs: int
    methods: list[str]
    skipped: list[Path]
    warnings: list[str]


def build_report(settings: ReportSettings) -> ReportSummary:
    """Read runs and write their report; an earlier report in the folder is replaced.

    Raises:
        RunError: There is no finished run, a file is broken, the runs do not belong together, or
            the archive is there.
    """
    check_output(settings.output)
    if settings.archive:
        check_archive(settings.archive)
    finished, skipped = find_runs(settings.places)
    runs = [read_run(path) for path in _bar(finished, "reading runs", settings)]
    methods = group_runs(runs)
    summary = write_report(methods, settings, skipped, find_caveats(methods, skipped))
    if settings.archive:
        written = [settings.output / name for name in (PAGE, DOME, TABLES, FIGURES)]
        options = ["--resamples", str(settings.resamples), "--seed", str(settings.seed)]
        options += ["--against", settings.against] if settings.against else []
        write_archive(settings.archive, runs, written, options, settings.has_bundles)
    return summary


def write_report(
    methods: Sequence[Method],
    settings: ReportSettings,
    skipped: list[Path],
    warnings: list[str],
    further: Sequence[Table] = (),
) -> ReportSummary:
    """Measure methods and write their report.

    Args:
        methods: What to report.
        settings: How.
        skipped: Folders of runs that are not in it.
        warnings: What its reader has to know.
        further: Tables beside those of every report.

    Raises:
        RunError: There is no method to compare the others with.
    """
    labels = [method.label for method in methods]
    if settings.against not in (None, *labels):
        raise RunError(f"--against: expected one of {', '.join(labels)}, found {settings.against}")
    runs = [run for method in methods for run in method.runs]
    proteins = Proteins.of(methods)
    evaluations = [_evaluate(method, proteins, settings) for method in methods]
    comparison = compare(
        evaluations,
        proteins,
        settings.resamples,
        settings.seed,
        lambda swaps, title: _bar(swaps, title, settings, settings.resamples),
        settings.against,
    )
    published = published_for(runs[0].record.dataset) if settings.has_published else None
    tables = [*_tables(evaluations, comparison, published, settings), *further]
    with new_report(settings.output) as folder:
        for table in tables:
            table.write(folder / TABLES)
        _all_numbers(evaluations).to_csv(folder / TABLES / "measures.csv", index=False)
        if _has_cost(methods):
            sheet = dome_sheet(evaluations, settings.resamples, settings.seed)
            (folder / DOME).write_text(sheet, encoding="utf-8", newline="\n")
        drawn = draw_all(evaluations, published, folder / FIGURES, _has_cost(methods), further)
        content = PageContent(
            title="Signal peptide prediction: " + ", ".join(m.label for m in methods),
            has_folds=runs[0].record.dataset.folds > 1,
            facts=_facts(methods, proteins, settings),
            warnings=warnings,
            tables={table.name: table for table in tables},
            further=[table.name for table in further],
            pictures={p.name: p for p in _bar(drawn, "drawing", settings)},
        )
        (folder / PAGE).write_text(render_page(content), encoding="utf-8", newline="\n")
    return ReportSummary(settings.output / PAGE, len(runs), labels, skipped, warnings)


def _evaluate(method: Method, proteins: Proteins, settings: ReportSettings) -> Evaluation:
    def progress(draws: Iterable[_Item]) -> Iterable[_Item]:
        return _bar(draws, f"measuring {method.label}", settings, settings.resamples)

    return evaluate(method, proteins, settings.resamples, settings.seed, progress)


def _bar(
    items: Iterable[_Item], title: str, settings: ReportSettings, total: int | None = None
) -> Iterable[_Item]:
    # tqdm takes None for: off unless standard error is a terminal.
    is_off = None if settings.has_progress else True
    bar: Iterable[_Item] = tqdm(items, title, total, disable=is_off)
    return bar


def _tables(
    evaluations: Sequence[Evaluation],
    comparison: pd.DataFrame,
    published: pd.DataFrame | None,
    settings: ReportSettings,
) -> list[Table]:
    methods = [evaluation.method for evaluation in evaluations]
    tables = [overall_table(evaluations), *measure_tables(evaluations, published)]
    if len(comparison):
        for is_mean in (True, False):
            tables.append(
                comparison_table(comparison, is_mean, settings.resamples, settings.against)
            )
    if _has_cost(methods):
        tables.append(cost_table(methods))
    return [*tables, settings_table(methods)]


def _has_cost(methods: Sequence[Method]) -> bool:
    """Whether all is known of what the runs cost, as of those of training."""
    return all(run.record.cost for method in methods for run in method.runs)


def _all_numbers(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    tables = [e.cells.assign(method=e.method.label) for e in evaluations]
    table = pd.concat(tables, ignore_index=True)
    return table[["method", *(name for name in table.columns if name != "method")]]


def _facts(
    methods: Sequence[Method], proteins: Proteins, settings: ReportSettings
) -> dict[str, str]:
    first = methods[0].runs[0].record
    data = first.settings.get("data", {})
    name = data.get("name") or data.get("path") or "generated proteins"
    return {
        "Data set": f"{name}: {first.dataset.records:,} proteins, {first.dataset.folds} folds "
        f"(sha256 {first.dataset.sha256[:12]}…)",
        "Tested": f"{len(proteins):,} proteins",
        "Methods": "; ".join(f"{m.label} ({_runs_of(m)})" for m in methods),
        "Resamples": f"{settings.resamples:,} of each bootstrap and each permutation test, "
        f"seed {settings.seed}",
    }


def _runs_of(method: Method) -> str:
    seeds = sorted({run.record.seed for run in method.runs})
    folds = ", ".join(map(str, method.folds))
    return f"folds {folds}; seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
