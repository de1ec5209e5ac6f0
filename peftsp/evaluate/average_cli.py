"""The command ``peftsp-average``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import add_allow_code, lacking, new_parser, parse, run_command
from peftsp.errors import ConfigError

_EPILOG = """\
examples:
  %(prog)s runs/order1/bundle runs/order2/bundle -o averaged
  %(prog)s runs/student/bundle runs/teacher/bundle --shares 2 1 -o averaged

The mean of several models' weights is one model that predicts as fast as each. It is often better
than any of them where they began alike, from one backbone and one seed (so that their heads began
alike, too), and were trained on other data, in another order (data.seed) or by other settings.
Methods have to be the same, LoRA of any ranks. peftsp-calibrate and peftsp-evaluate say whether it
pays; average first, calibrate then.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    try:
        from peftsp.evaluate.average import average_bundles
    except ModuleNotFoundError as error:
        raise lacking("average", error, "train") from error
    shares = options.shares or [1.0] * len(options.bundles)
    if len(shares) != len(options.bundles) or not all(0 < s < float("inf") for s in shares):
        given = " ".join(f"{share:g}" for share in shares)
        raise ConfigError(
            f"--shares: expected {len(options.bundles)} numbers above 0, one a model, found {given}"
        )
    average_bundles(options.bundles, shares, options.output, options.allow_code)
    return f"{options.output}"


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-average",
        "Average the weights of several trained models into one model (a model soup).",
        _EPILOG,
    )
    add = parser.add_argument
    add("bundles", metavar="BUNDLE", nargs="+", help="folder of a trained model, or a shipped one")
    add("--output", "-o", type=Path, required=True, metavar="DIR", help="new folder for the bundle")
    add(
        "--shares",
        type=float,
        nargs="+",
        metavar="N",
        help="weight of each in the mean (default: all the same)",
    )
    add_allow_code(parser)
    return parser
