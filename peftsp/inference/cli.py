"""The command ``peftsp-predict``, also ``python predict.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp import __version__
from peftsp.errors import ConfigError
from peftsp.inference.command import folder, interruption, positive, run_command, sentence
from peftsp.inference.cpus import usable_cpus
from peftsp.inference.formats.registry import FORMATS
from peftsp.inference.organism import ANY, ORGANISMS
from peftsp.model.shipped import DEFAULT_MODEL, SHIPPED

if TYPE_CHECKING:
    from peftsp.inference.cluster import Cluster
    from peftsp.inference.run import RunSummary

_EPILOG = """\
examples:
  %(prog)s proteome.fasta -o results
  %(prog)s proteome.fasta --organism eukarya --formats csv,gff3,fasta -o results
  %(prog)s proteome.fasta --bundle models/fold0 --bundle models/fold1 -o results
  %(prog)s 'bins/*.faa.gz' --cluster local -o results

formats:
{formats}

Positions count residues from 1; a protein is cut behind its cleavage_site. An interrupted run goes
on where it was when the same command is given again.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        Exit status: 0 done, 2 an error that the user can mend, 130 interrupted.
    """
    options = _parser().parse_args(arguments)
    return run_command(
        lambda: sentence(_run(options)), interruption(options.fasta, is_fresh=options.fresh)
    )


def _run(options: argparse.Namespace) -> RunSummary:
    # PyTorch takes seconds to import, which --help and a mistyped option need not wait for.
    from peftsp.inference.models import chosen_bundles
    from peftsp.inference.run import RunSettings, run

    settings = RunSettings(
        fasta=tuple(options.fasta),
        bundles=chosen_bundles(options.model, options.bundle or ()),
        output=options.output,
        formats=tuple(options.formats),
        backbone=options.backbone,
        organism=options.organism,
        min_probability=options.min_probability,
        precision=options.precision,
        device=options.device,
        batch_size=options.batch_size,
        threads=options.threads,
        workers=options.workers,
        has_progress=not options.no_progress,
        is_fresh=options.fresh,
        is_strict=options.strict,
        cluster=_cluster(options),
    )
    return run(settings)


def _cluster(options: argparse.Namespace) -> Cluster | None:
    from peftsp.inference.cluster import Cluster

    if options.cluster is not None:
        return Cluster(options.cluster, options.cluster_workers, options.threads or 1)
    if options.cluster_workers is not None:
        raise ConfigError(
            f"--cluster-workers {options.cluster_workers}: expected --cluster too, found none"
        )
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="peftsp-predict",
        description="Predict signal peptides, their types, cleavage sites and regions.",
        epilog=_EPILOG.format(formats=_described_formats()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "fasta",
        nargs="+",
        help="proteins as FASTA, plain or packed by gzip, xz or zst; quoted patterns such as "
        "'proteomes/*.faa.gz' are filled in; - is standard input, also between files",
    )
    add(
        "--model",
        choices=list(SHIPPED),
        help="model that ships with peftsp: "
        + "; ".join(f"{model.name}, {model.description}" for model in SHIPPED.values())
        + f" (default: {DEFAULT_MODEL})",
    )
    add(
        *("--bundle", "-b"),
        type=Path,
        action="append",
        metavar="DIR",
        help="folder of a trained model; several are averaged (default: a model that ships with "
        "peftsp, see --model)",
    )
    add(
        *("--output", "-o"),
        type=folder,
        default=Path("predictions"),
        metavar="DIR",
        help="folder for what is written (default: %(default)s)",
    )
    add(
        "--backbone",
        metavar="CHECKPOINT",
        help="ESM-2 weights, a fair-esm .pt file or a Hugging Face folder (default: where the "
        "bundle says)",
    )
    add(
        "--formats",
        type=_names,
        default=["csv"],
        metavar="NAMES",
        help="what to write, separated by commas, see below (default: csv)",
    )
    add(
        *("--organism", "--kingdom"),
        type=str.lower,
        choices=ORGANISMS,
        default=ANY,
        help="where all the proteins come from; eukarya counts every signal peptide as SP; "
        "positive and negative are Gram stains (default: %(default)s, not known or mixed)",
    )
    add(
        "--min-probability",
        type=_share,
        default=0.0,
        metavar="P",
        help="call a signal peptide only where its type is at least as probable (default: the most "
        "probable type)",
    )
    add(
        "--precision",
        choices=["auto", "fp32", "bf16", "int8"],
        default="auto",
        help="arithmetic of the backbone: bf16 and int8 are faster where the processor has them "
        "and less exact (default: bf16 on GPUs that have it, else fp32)",
    )
    add("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="where to compute")
    add(
        "--batch-size",
        type=_batch_size,
        default="auto",
        metavar="N",
        help="proteins at a time, or auto for what fits the device; fewer take less memory, and "
        "too many for a GPU are halved (default: %(default)s)",
    )
    add(
        "--threads",
        type=positive,
        metavar="N",
        help="CPU threads (default: one a core, on a cluster one a worker)",
    )
    add(
        "--workers",
        type=positive,
        default=usable_cpus(),
        metavar="N",
        help="processes that draw pictures (default: one a core)",
    )
    _add_cluster(parser)
    add("--no-progress", action="store_true", help="show no progress bar")
    add("--fresh", action="store_true", help="do not resume an interrupted run")
    add(
        "--strict",
        action="store_true",
        help="end at the first wrong record instead of leaving it out and listing it in "
        "skipped.tsv",
    )
    add("--version", action="version", version=f"peftsp {__version__}")
    return parser


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="predict on a Ray cluster, with the same result: local starts one on this machine, "
        "auto takes the one that runs here, HOST:PORT is the head of another one; peftsp and the "
        "bundles have to lie on all its machines (needs pip install 'peftsp[ray]')",
    )
    parser.add_argument(
        "--cluster-workers",
        type=positive,
        metavar="N",
        help="processes of the cluster that predict (default: as many as there is room for)",
    )


def _described_formats() -> str:
    width = max(map(len, FORMATS))
    return "\n".join(f"  {name:{width}}  {FORMATS[name].description}" for name in FORMATS)


def _names(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(FORMATS)}, found {text!r}")
    return names


def _batch_size(text: str) -> int | None:
    return None if text == "auto" else positive(text)


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return number
