"""The command ``peftsp-deepsig``, which takes DeepSig's options and writes its files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import add_number, file, new_parser, parse, run_command
from peftsp.data.fasta import WrongRecord
from peftsp.durable import whole_file
from peftsp.errors import ConfigError, tell
from peftsp.inference.commands.command import MORE
from peftsp.inference.compute.options import check_count
from peftsp.inference.formats.deepsig import WRITERS
from peftsp.inference.run.settings import STANDARD_INPUT

_ORGANISMS = {"euk": "eukarya", "gramp": "positive", "gramn": "negative"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    from peftsp.inference.compute.api import predict
    from peftsp.inference.run.intake import Intake, check_inputs, find_inputs

    check_count("threads", options.threads)
    inputs, target = find_inputs([options.fasta]), options.outf
    if any(path != STANDARD_INPUT and Path(path).resolve() == target.resolve() for path in inputs):
        raise ConfigError(f"--outf {target}: expected another file than the input, found the same")
    check_inputs(inputs)
    intake = Intake(inputs, skip=_tell)
    kingdom = _ORGANISMS[options.organism]
    predictions = predict(intake.records(), kingdom=kingdom, threads=options.threads)
    with (
        whole_file(target) as partial,
        partial.open("w", encoding="utf-8", newline="\n") as file,
    ):
        WRITERS[options.outfmt](predictions, file)
    # Standard output may be the file.
    tell(f"predicted {intake.identifiers.count:,} proteins; see {target}")
    return ""


def _tell(name: str, wrong: WrongRecord) -> None:
    tell(wrong.message(name))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-deepsig",
        "Predict signal peptides with peftsp: the options of DeepSig, and its files in their "
        "layout.",
        MORE,
    )
    add = parser.add_argument
    add(*("--fasta", "-f"), required=True, help="proteins as FASTA; - is standard input")
    add(*("--outf", "-o"), type=file, required=True, metavar="FILE", help="file to write")
    add(*("--organism", "-k"), choices=list(_ORGANISMS), required=True, help="where they come from")
    add(
        *("--outfmt", "-m"),
        choices=list(WRITERS),
        default="gff3",
        help="layout of the file (default: %(default)s)",
    )
    add_number(parser, "--threads", "-t", text="CPU threads (default: one a core)")
    return parser
