"""The command ``peftsp-calibrate``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import at_least, lacking, new_parser, parse, run_command
from peftsp.evaluate.options import add_predicting, predicting

_EPILOG = """\
examples:
  %(prog)s runs/mine/bundle --data own.fasta -o calibrated
  %(prog)s accurate --data own.fasta -o calibrated

Trained models are too sure, and may call one SP type too often. This divides the log-odds of SP
types by a temperature and adds an offset to each, both found on proteins that have not trained the
model: the validation partition of its fold, if it was trained on a fold of the data, else all that
it has not seen. Cleavage site and regions of a type stay what they were. The offsets learn how many
of these proteins have a signal peptide; --prevalence says how many will have one.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    try:
        from peftsp.evaluate.calibrate import CalibrateSettings, calibrate_bundle
    except ModuleNotFoundError as error:
        raise lacking("peftsp-calibrate", error, "report") from error
    summary = calibrate_bundle(
        CalibrateSettings(
            bundle=options.bundle,
            data=options.data,
            fold=options.fold,
            prevalence=options.prevalence,
            output=options.output,
            predicting=predicting(options),
        )
    )
    before, after = summary.before, summary.after
    offsets = ", ".join(f"{k} {v:+.2f}" for k, v in summary.calibration.offsets.items() if v)
    share = "" if options.prevalence is None else ", before --prevalence moves them"
    return "\n".join(
        (
            f"temperature {summary.calibration.temperature:.2f}; offsets {offsets or 'none'}",
            f"of {summary.proteins:,} proteins, each fifth calibrated on the others{share}:",
            f"  of a wrong type    {before.wrong:,}, then {after.wrong:,}",
            f"  calibration error  {before.error:.4f}, then {after.error:.4f}",
            f"  log loss           {before.log_loss:.4f}, then {after.log_loss:.4f}",
            f"{options.output}",
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-calibrate",
        "Make a trained model's probabilities of SP types come true on labelled proteins.",
        _EPILOG,
    )
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="folder of a trained model, or accurate or fast")
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="3-line file, as peftsp-prepare writes it",
    )
    add("--output", "-o", type=Path, required=True, metavar="DIR", help="new folder for the bundle")
    add(
        "--fold",
        type=at_least(0),
        metavar="N",
        help="whose validation partition calibrates, where several folds train the same model "
        "(default: that of its training)",
    )
    add(
        "--prevalence",
        type=float,
        metavar="SHARE",
        help="of signal peptides among the proteins to predict, 0.1 or so in a proteome (default: "
        "that of the proteins that calibrate)",
    )
    add_predicting(parser)
    return parser
