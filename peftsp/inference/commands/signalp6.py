"""The command ``peftsp-signalp6``, which takes SignalP 6.0's options and writes its files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from peftsp.command_line import (
    add_allow_code,
    add_number,
    folder,
    new_parser,
    parse,
    run_command,
)
from peftsp.errors import BundleError, tell
from peftsp.inference.commands.command import MORE, interruption, sentence
from peftsp.inference.compute.options import ANY, EUKARYA, ModelSettings
from peftsp.inference.formats.signalp6.output import signalp6_output
from peftsp.inference.formats.signalp6.plots import FORMATS, Request
from peftsp.inference.run.settings import RunSettings, RunSummary
from peftsp.model.shipped import DEFAULT_MODE, MODES, find_model

_ORGANISMS = {"other": ANY, "euk": EUKARYA, "eukarya": EUKARYA}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    if options.skip_resolve:
        tell("without effect: --skip_resolve")
    return run_command(
        lambda: sentence(_run(options)), interruption([options.fastafile], is_fresh=False)
    )


def _run(options: argparse.Namespace) -> RunSummary:
    settings = RunSettings(
        model=ModelSettings(
            bundles=(_bundle(options.model_dir, options.mode),),
            kingdom=_ORGANISMS[options.organism],
            batch_size=options.bsize,
            allow_code=tuple(options.allow_code),
        ),
        fasta=(options.fastafile,),
        output=options.output_dir,
        formats=(signalp6_output(Request(options.format, options.mode)),),
        threads=options.torch_num_threads,
        workers=options.write_procs,
    )
    # PyTorch takes seconds to import, which --help and a mistyped option need not wait for.
    from peftsp.inference.run.execution import run

    # The plots of many proteins would make a long list.
    return replace(run(settings), files=(options.output_dir,))


def _bundle(folder: Path | None, mode: str) -> Path:
    from peftsp.model.bundle_files import CONFIG_FILE

    if folder is None:
        return find_model(MODES[mode])
    if not (folder / CONFIG_FILE).is_file():
        raise BundleError(
            f"--model_dir {folder}: expected a peftsp bundle with {CONFIG_FILE} in it, found none; "
            "without --model_dir the model that ships with peftsp predicts"
        )
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-signalp6",
        "Predict signal peptides with peftsp: the options of SignalP 6.0, and its files in its "
        "layout.",
        MORE,
    )
    add = parser.add_argument
    add(
        *("--fastafile", "-ff", "-fasta"),
        required=True,
        metavar="FASTA",
        help="proteins as FASTA, plain or packed by gzip, xz or zst; - reads standard input",
    )
    add(
        *("--output_dir", "-od"),
        type=folder,
        required=True,
        metavar="DIR",
        help="folder for what is written",
    )
    add(
        *("--organism", "-org"),
        type=str.lower,
        nargs="?",
        choices=list(_ORGANISMS),
        const=ANY,
        default=ANY,
        help="where the proteins come from; eukarya, or euk, counts every signal peptide as SP "
        "(default: %(default)s)",
    )
    add(
        *("--format", "-fmt", "-f", "-format"),
        nargs="?",
        choices=FORMATS,
        const="txt",
        default="txt",
        help="plots to write for each protein (default: %(default)s)",
    )
    _add_machinery(parser)
    return parser


def _add_machinery(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        *("--mode", "-m"),
        nargs="?",
        choices=list(MODES),
        const="fast",
        default=DEFAULT_MODE,
        help="model that predicts: fast, or for the others accurate (default: %(default)s)",
    )
    add_number(
        parser,
        *("--bsize", "-bs", "-batch"),
        text="proteins at a time; fewer take less memory (default: %(default)s)",
        default=64,
    )
    add_number(
        parser,
        *("--write_procs", "-wp"),
        text="processes that draw png and eps plots (default: one a core)",
    )
    add_number(parser, "--torch_num_threads", "-tt", text="CPU threads (default: one a core)")
    add(
        *("--model_dir", "-md"),
        type=Path,
        metavar="DIR",
        help="folder of a model that peftsp trained (default: the model that ships with peftsp)",
    )
    add("--skip_resolve", action="store_true", help="without effect")
    add_allow_code(parser)
