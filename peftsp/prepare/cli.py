"""The command ``peftsp-prepare``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import file, lacking, new_parser, parse, run_command
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOM_LABELS
from peftsp.prepare.entry import EVIDENCE_LEVELS
from peftsp.prepare.partitions import ENGINES

_EPILOG = """\
examples:
  %(prog)s uniprot.tsv -o own.fasta
  %(prog)s proteins.fasta labels.csv -o own.fasta --kingdom NEGATIVE --partitions 5
  %(prog)s uniprot.json.gz -o own.fasta --split leave-one-group-out

A source is a UniProt table (TSV), JSON or text, a table of id, type and site, GFF3, SignalP 6.0's
prediction_results.txt or a 3-line file; sequences may be in a FASTA file of their own. Writes
own.fasta, which train.py data=labelled reads; own.report.html, to look at before training;
own.unusable.tsv, what is not in it and why; own.groups.tsv, the groups of organisms;
own.removed.fasta, proteins near several partitions, which data.extra_path trains where all of these
train.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: argparse.Namespace) -> str:
    try:
        from peftsp.prepare.build import SPLITS, PrepareSettings, outputs, prepare
    except ModuleNotFoundError as error:
        raise lacking("peftsp-prepare", error, "prepare") from error
    if options.split not in SPLITS:
        raise ConfigError(f"--split: expected {', '.join(SPLITS)}, found {options.split!r}")
    if not 0 < options.identity <= 1:
        raise ConfigError(f"--identity: expected more than 0, at most 1, found {options.identity}")
    if options.partitions < 3:
        raise ConfigError(f"--partitions: expected 3 or more, found {options.partitions}")
    summary = prepare(
        PrepareSettings(
            sources=options.sources,
            output=options.output,
            kingdom=options.kingdom,
            evidence=options.evidence,
            split=options.split,
            partitions=options.partitions,
            identity=options.identity,
            engine=options.engine,
            overwrite=options.overwrite,
            has_progress=not options.no_progress,
        )
    )
    cells = Counter((p.record.kingdom, p.record.sp_type) for p in summary.shown.proteins)
    places = outputs(options.output)
    said = [
        f"{kingdom:8} {sp_type:8} {count:7,}" for (kingdom, sp_type), count in sorted(cells.items())
    ]
    said += [f"{name}: {text}" for name, text in summary.shown.facts.items()]
    said += [f"{places['unusable']}: {len(summary.shown.unusable):,} that are not used, and why"]
    if summary.removed:
        removed = f"{summary.removed:,} of them with homologs in several partitions"
        said += [f"{places['removed']}: {removed}"]
    said += [f"{places['page']}: look at it before you train"]
    if options.split != "none":
        said += [f"python train.py data=labelled data.path={options.output}"]
    return "\n".join(said)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-prepare",
        "Make a labelled 3-line file with homology partitions from other files.",
        _EPILOG,
    )
    add = parser.add_argument
    add(
        "sources",
        type=Path,
        nargs="+",
        metavar="SOURCE",
        help="files of any kinds, plain or packed by gzip, xz or zst",
    )
    add("--output", "-o", type=file, required=True, metavar="FILE", help="the 3-line file")
    add("--partitions", type=int, default=3, metavar="N", help="how many (default: %(default)s)")
    add(
        "--identity",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="from which on proteins are homologs (default: %(default)s)",
    )
    add(
        "--split",
        default="homology",
        metavar="HOW",
        help="homology, given (partitions of the sources), leave-one-group-out (a partition for "
        "each group of organisms) or none (default: %(default)s)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="what finds homologs: global alignments of all with all by pyopal, whose communities "
        "are spread evenly; or, for GraphPart, MMseqs2 or EMBOSS's needleall if installed, whose "
        "partitions pyopal verifies "
        "(default: %(default)s)",
    )
    add(
        "--evidence",
        choices=EVIDENCE_LEVELS,
        default="manual",
        help="least evidence for a signal peptide in UniProt (default: %(default)s)",
    )
    add("--kingdom", choices=KINGDOM_LABELS, help="of proteins whose source has none")
    add("--overwrite", action="store_true", help="replace earlier files")
    add("--no-progress", action="store_true", help="show no progress bar")
    return parser
