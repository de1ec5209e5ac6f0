"""The command ``peftsp-report``, also ``python -m peftsp.report``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import (
    add_resamples,
    folder,
    lacking,
    new_parser,
    parse,
    run_command,
)
from peftsp.errors import ConfigError, tell

_EPILOG = """\
examples:
  %(prog)s runs/train -o report
  %(prog)s runs/train/*lora* runs/train/*adapter* -o report --resamples 10000
  %(prog)s runs/train -o report --archive figures.zip

Runs that differ in fold and seed alone are one method. Writes report/report.html, a page with
everything in it; report/tables with CSV, Markdown and LaTeX; report/figures with PNG and SVG. An
earlier report in the folder is replaced.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    if options.bundles and not options.archive:
        raise ConfigError("--bundles: expected --archive FILE, into which they go, found none")
    # Its libraries take seconds to import, which --help and a mistyped option need not wait for.
    try:
        from peftsp.report.build import ReportSettings, build_report
    except ModuleNotFoundError as error:
        raise lacking("peftsp-report", error, "report") from error
    settings = ReportSettings(
        places=options.runs,
        output=options.output,
        resamples=options.resamples,
        seed=options.seed,
        has_progress=not options.no_progress,
        archive=options.archive,
        has_bundles=options.bundles,
        against=options.against,
    )
    summary = build_report(settings)
    for skipped in summary.skipped:
        tell(f"skipped {skipped}: not finished, not tested, or no sound run.json")
    for warning in summary.warnings:
        tell(f"warning: {warning}")
    archived = f", in {options.archive}" if options.archive else ""
    return f"{summary.page}: {summary.runs} runs of {', '.join(summary.methods)}{archived}"


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-report",
        "Make tables and figures of finished training runs.",
        _EPILOG,
    )
    add = parser.add_argument
    add("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run, or one above of runs")
    add(
        *("--output", "-o"),
        type=folder,
        default=Path("report"),
        metavar="DIR",
        help="folder for the report (default: %(default)s)",
    )
    add_resamples(parser)
    add(
        "--against",
        metavar="METHOD",
        help="compare all others with this method, by its name in the report (default: every two "
        "are compared)",
    )
    add(
        "--archive",
        type=Path,
        metavar="FILE",
        help="new .zip file for all that the report was made of: records, predictions, settings, "
        "versions, hashes, the report, and the commands that make it again",
    )
    add("--bundles", action="store_true", help="put the models of the runs into the archive, too")
    add("--no-progress", action="store_true", help="show no progress bar")
    return parser
