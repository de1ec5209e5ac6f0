"""The command ``peftsp-average``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import add_allow_code, lacking, new_parser, parse, run_command
from peftsp.errors import ConfigError
from peftsp.model.bundle_files import check_new

_EPILOG = """\
examples:
  %(prog)s runs/student/bundle runs/teacher/bundle -o averaged
  %(prog)s runs/student/bundle runs/teacher/bundle --shares 2 1 -o averaged

The mean of several models' weights is one model that predicts as fast as each. The models have to
begin alike, from one backbone and one seed, so that their heads began alike, too; their data and
other settings of training may differ. Methods have to be the same, LoRA of any ranks. It may be
better than each of them once it is calibrated: average first, then peftsp-calibrate, and let
peftsp-evaluate say whether it pays.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    names, shares, output = options.bundles, options.shares, options.output
    shares = shares or [1.0] * len(names)
    if len(shares) != len(names) or not all(0 < share < float("inf") for share in shares):
        given = " ".join(f"{share:g}" for share in shares)
        raise ConfigError(
            f"--shares: expected {len(names)} numbers above 0, one a model, found {given}"
        )
    check_new(output)
    try:
        _average(names, shares, output, options.allow_code)
    except ModuleNotFoundError as error:
        raise lacking("peftsp-average", error, "train") from error
    return str(output)


def _average(
    names: Sequence[str], shares: Sequence[float], output: Path, allow_code: Sequence[str]
) -> None:
    """Write the mean of models, with the backbone, licences and card that one carries."""
    # PyTorch takes seconds to import, which --help need not wait for.
    from peftsp.model.bundle import save_bundle
    from peftsp.model.bundle_files import LICENCES
    from peftsp.model.restore import check_sizes
    from peftsp.model.soup import average
    from peftsp.training.card import papers_of
    from peftsp.training.start import read_trained

    starts = [read_trained(name, allow_code) for name in names]
    for place, start in enumerate(starts):
        if start.folder in [before.folder for before in starts[:place]]:
            raise ConfigError(f"expected each model once, found {start.name} twice")
        check_sizes(start.bundle, start.method, start.name)
    # All have the same backbone; where one carries it, the mean does.
    start = next((start for start in starts if start.carries), starts[0])
    papers: dict[str, str] = {}
    for one in starts:
        if one.papers:
            papers = papers_of(one, output.name, "Averaged with others") | papers
    for paper in LICENCES:
        # Those of all models hold.
        texts = dict.fromkeys(one.papers[paper] for one in starts if paper in one.papers)
        papers |= {paper: "\n".join(texts)} if texts else {}
    bundles = {one.name: one.bundle for one in starts}
    averaged = average(bundles, [one.method for one in starts], shares)
    save_bundle(averaged, output, start.own_backbone(start.method), papers)


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
