"""Options of the commands by which models predict labelled proteins."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from peftsp.command_line import add_allow_code
from peftsp.inference.compute.device import DEVICES
from peftsp.inference.compute.options import ModelSettings

if TYPE_CHECKING:
    from peftsp.evaluate.rows import Predicting

TOGETHER = FOLDS, ENSEMBLE, APART = "folds", "ensemble", "apart"
"""What several models of a method may be."""


def add_predicting(parser: argparse.ArgumentParser) -> None:
    """Add the options that `predicting` reads."""
    add = parser.add_argument
    add("--hide-kingdom", action="store_true", help="do not tell models where proteins come from")
    add("--backbone", metavar="PATH", help="ESM-2 weights, if not where the bundles say")
    where = "where to compute (default: %(default)s)"
    add("--device", choices=DEVICES, default=ModelSettings.device, help=where)
    precision = "arithmetic of the backbone (default: %(default)s)"
    add("--precision", choices=("fp32", "bf16"), default="fp32", help=precision)
    add_allow_code(parser)
    add("--no-progress", action="store_true", help="show no progress bar")


def predicting(options: argparse.Namespace) -> Predicting:
    """How models predict."""
    # Its libraries take seconds to import, which --help need not wait for.
    from peftsp.evaluate.rows import Predicting

    return Predicting(
        device=options.device,
        backbone=options.backbone,
        precision=options.precision,
        tells_kingdom=not options.hide_kingdom,
        has_progress=not options.no_progress,
        allow_code=tuple(options.allow_code),
    )
