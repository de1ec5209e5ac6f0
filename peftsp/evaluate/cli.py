"""The command ``peftsp-evaluate``."""

from __future__ import annotations

import argparse
from collections import Counter
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
from peftsp.evaluate.options import FOLDS, TOGETHER, add_predicting, predicting
from peftsp.model.shipped import find_bundle

_OWN = "peftsp"

_EPILOG = """\
examples:
  %(prog)s --bundle runs/mine/*/bundle --data own.fasta -o evaluation
  %(prog)s --method lora runs/lora*/bundle --method full runs/full*/bundle --data own.fasta -o out
  %(prog)s --bundle a b c --together ensemble --data own.fasta -o evaluation
  %(prog)s --bundle a --data own.fasta --contender signalp6=prediction_results.txt -o evaluation

A bundle that was trained on a fold of the data is tested on the fold's test partition, another one
on all proteins that trained no bundle. Writes the page, tables and figures of peftsp-report, and
tables of thresholds, calibration and false calls by group.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    try:
        from peftsp.evaluate.build import EvaluateSettings, evaluate_bundles
        from peftsp.report.build import ReportSettings
    except ModuleNotFoundError as error:
        raise lacking("peftsp-evaluate", error, "report") from error
    methods = _methods(options)
    contenders: dict[str, Path] = {}
    for given in options.contender:
        name, sign, path = given.partition("=")
        if not (name and sign and path):
            raise ConfigError(f"--contender: expected NAME=FILE, found {given!r}")
        if name in methods or name in contenders:
            raise ConfigError(f"--contender: expected a name of its own, found {name} again")
        contenders[name] = Path(path)
    summary = evaluate_bundles(
        EvaluateSettings(
            methods=methods,
            data=options.data,
            together=options.together,
            contenders=contenders,
            is_presence=options.types == "presence",
            groups=options.groups,
            predicting=predicting(options),
            report=ReportSettings(
                (), options.output, options.resamples, options.seed, not options.no_progress
            ),
        )
    )
    for warning in summary.report.warnings:
        tell(f"warning: {warning}")
    overall = options.output / "tables" / "overall.md"
    said = [table.markdown() for table in summary.tables]
    said += [overall.read_text(encoding="utf-8")]
    said += [f"{summary.report.page}: {', '.join(summary.report.methods)}"]
    return "\n".join(said)


def _methods(options: argparse.Namespace) -> dict[str, list[Path]]:
    methods = {_OWN: [find_bundle(b) for b in options.bundle]} if options.bundle else {}
    for name, *bundles in options.method:
        if not bundles:
            raise ConfigError(f"--method {name}: expected a name and bundles, found no bundle")
        if name in methods:
            raise ConfigError(f"--method: expected each name once, found {name} again")
        methods[name] = [find_bundle(bundle) for bundle in bundles]
    for name, folders in methods.items():
        twice = [folder for folder, count in Counter(folders).items() if count > 1]
        if twice:
            option = "--bundle" if name == _OWN else f"--method {name}"
            raise ConfigError(f"{option}: expected each model once, found {twice[0]} twice")
    if not methods:
        raise ConfigError("expected --bundle or --method, found neither")
    return methods


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-evaluate",
        "Measure bundles, and other programs beside them, on labelled proteins.",
        _EPILOG,
    )
    add = parser.add_argument
    of_one = "trained models of one method: folders, or accurate and fast, which ship"
    add("--bundle", nargs="+", action="extend", metavar="DIR", help=of_one)
    add(
        "--method",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "DIR"),
        help="trained models of a named method; again for each method to compare",
    )
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="3-line file, as peftsp-prepare writes it; or, for proteins whose types are not "
        "known, CSV or TSV of id, sequence, signal_peptide (yes, no) or site or both, and perhaps "
        "kingdom",
    )
    add("--output", "-o", type=folder, required=True, metavar="DIR", help="folder for the report")
    add(
        "--together",
        choices=TOGETHER,
        default=FOLDS,
        help="what several bundles of a method are: its runs, one averaged model, or methods of "
        "their own (default: %(default)s)",
    )
    add(
        "--contender",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="what another program says of the proteins: SignalP 6.0's prediction_results.txt, "
        "DeepSig's GFF3 or Phobius's short output",
    )
    add(
        "--types",
        choices=("all", "presence"),
        default="all",
        help="presence: count every signal peptide as SP, as for a table (default: %(default)s)",
    )
    add(
        "--groups",
        type=Path,
        metavar="FILE",
        help="TSV of accession and group, for false calls by group",
    )
    add_predicting(parser)
    add_resamples(parser)
    return parser
