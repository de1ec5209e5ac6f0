"""The command ``peftsp-predict``, also ``python predict.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from peftsp.command_line import (
    add_allow_code,
    add_former_name,
    add_number,
    folder,
    new_parser,
    parse,
    run_command,
)
from peftsp.errors import ConfigError
from peftsp.inference.commands.command import interruption, sentence
from peftsp.inference.compute.device import DEVICES
from peftsp.inference.compute.options import (
    KINGDOM_NAMES,
    PRECISIONS,
    RUNTIMES,
    Cluster,
    ModelSettings,
    chosen_bundles,
)
from peftsp.inference.formats.registry import FORMATS
from peftsp.inference.run.settings import RunSettings, RunSummary
from peftsp.model.shipped import DEFAULT_MODEL, SHIPPED

_EPILOG = """\
examples:
  %(prog)s proteome.fasta -o results
  %(prog)s proteome.fasta --kingdom eukarya --formats csv,gff3,fasta -o results
  %(prog)s proteome.fasta --bundle models/fold0 --bundle models/fold1 -o results
  %(prog)s 'bins/*.faa.gz' --cluster local -o results

formats:
{formats}

Positions count residues from 1; a protein is cut behind its cleavage_site. An interrupted run goes
on where it was when the same command is given again.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    options = parse(_parser(), arguments)
    return run_command(
        lambda: sentence(_run(options)), interruption(options.fasta, is_fresh=options.fresh)
    )


def _run(options: argparse.Namespace) -> RunSummary:
    settings = RunSettings(
        model=ModelSettings(
            bundles=chosen_bundles(options.model, options.bundle or ()),
            backbone=options.backbone,
            allow_code=tuple(options.allow_code),
            kingdom=options.kingdom,
            min_probability=options.min_probability,
            precision=options.precision,
            device=options.device,
            batch_size=None if options.batch_size == "auto" else options.batch_size,
            cluster=_cluster(options),
            runtime=options.runtime,
        ),
        fasta=tuple(options.fasta),
        output=options.output,
        formats=tuple(options.formats),
        threads=options.threads,
        workers=options.workers,
        has_progress=not options.no_progress,
        is_fresh=options.fresh,
        is_strict=options.strict,
        is_safe_csv=options.safe_csv,
    )
    # PyTorch takes seconds to import, which --help and a mistyped option need not wait for.
    from peftsp.inference.run.execution import run

    return run(settings)


def _cluster(options: argparse.Namespace) -> Cluster | None:
    if options.cluster is not None:
        return Cluster(options.cluster, options.cluster_workers, options.threads or 1)
    if options.cluster_workers is not None:
        raise ConfigError(
            f"--cluster-workers {options.cluster_workers}: expected --cluster too, found none"
        )
    return None


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "peftsp-predict",
        "Predict signal peptides, their types, cleavage sites and regions.",
        _EPILOG.format(formats=_described_formats()),
    )
    add = parser.add_argument
    add(
        "fasta",
        nargs="+",
        help="proteins as FASTA, plain or packed by gzip, xz or zst; quoted patterns such as "
        "'proteomes/*.faa.gz' are filled in; - is standard input, also between files",
    )
    _add_model(parser)
    _add_output(parser)
    add_number(
        parser,
        "--batch-size",
        text="proteins at a time, or auto for what fits the device; fewer take less memory, and "
        "too many are halved (default: auto)",
    )
    add_number(
        parser, "--threads", text="CPU threads (default: one a core, on a cluster one a worker)"
    )
    add_number(parser, "--workers", text="processes that draw pictures (default: one a core)")
    _add_cluster(parser)
    add("--no-progress", action="store_true", help="show no progress bar")
    add("--fresh", action="store_true", help="do not resume an interrupted run")
    add(
        "--strict",
        action="store_true",
        help="end at the first wrong record instead of leaving it out and listing it in "
        "skipped.tsv",
    )
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--model",
        choices=list(SHIPPED),
        help="model that ships with peftsp: "
        + "; ".join(f"{model.name}, {model.description}" for model in SHIPPED.values())
        + f" (default: {DEFAULT_MODEL})",
    )
    add(
        *("--bundle", "-b"),
        action="append",
        metavar="DIR",
        help="folder of a trained model, or hf://owner/name for one of the Hugging Face Hub, of "
        "which several are averaged, or a .onnx file of peftsp-export (default: a model that "
        "ships with peftsp, see --model)",
    )
    add_allow_code(parser)
    add(
        "--backbone",
        metavar="CHECKPOINT",
        help="ESM-2 weights, a fair-esm .pt file or a Hugging Face folder (default: where the "
        "bundle says)",
    )
    add(
        "--kingdom",
        type=str.lower,
        choices=KINGDOM_NAMES,
        default=ModelSettings.kingdom,
        help="where all the proteins come from, else leave it out: a wrong one costs signal "
        "peptides; eukarya counts every signal peptide as SP; positive and negative are Gram "
        "stains, which with archaea change nothing for the models that ship, only for those "
        "trained with head.kingdom_embedding (default: %(default)s, not known or mixed)",
    )
    add_former_name(parser, "--organism", "--kingdom", type=str.lower, choices=KINGDOM_NAMES)
    add_number(
        parser,
        "--min-probability",
        text="call a signal peptide only where its type is at least as probable, from 0 to 1 "
        "(default: the most probable type)",
        default=ModelSettings.min_probability,
    )
    add(
        "--precision",
        choices=PRECISIONS,
        default=ModelSettings.precision,
        help="arithmetic of the backbone: bf16 and int8 are faster where the processor has them "
        "and less exact (default: bf16 on GPUs that have it, else fp32)",
    )
    add("--device", choices=DEVICES, default=ModelSettings.device, help="where to compute")
    add(
        "--runtime",
        choices=RUNTIMES,
        default=ModelSettings.runtime,
        help="what computes: ONNX Runtime a .onnx file, PyTorch a folder (default: by the bundle)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        *("--output", "-o"),
        type=folder,
        default=Path("predictions"),
        metavar="DIR",
        help="folder for what is written (default: %(default)s)",
    )
    add(
        "--formats",
        type=_names,
        default=["csv"],
        metavar="NAMES",
        help="what to write, separated by commas, see below (default: csv)",
    )
    add(
        "--safe-csv",
        action="store_true",
        help="for spreadsheets: write an apostrophe before names and descriptions that begin with "
        "= + - or @ in csv and tsv",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="predict on a Ray cluster, with the same result: local starts one on this machine, "
        "auto takes the one that runs here, HOST:PORT is the head of another one; peftsp and the "
        "bundles have to lie on all its machines (needs pip install 'ray>=2.50')",
    )
    add_number(
        parser,
        "--cluster-workers",
        text="processes of the cluster that predict (default: as many as there is room for)",
    )


def _described_formats() -> str:
    width = max(map(len, FORMATS))
    return "\n".join(f"  {name:{width}}  {FORMATS[name].description}" for name in FORMATS)


def _names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",") if name.strip()]
