"""The command ``peftsp-export``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from peftsp.command_line import add_allow_code, lacking, new_parser, parse, run_command
from peftsp.data.fasta import EXAMPLES, read_fasta
from peftsp.data.nucleotides import proteins_alone
from peftsp.durable import put_in_place, writing_to
from peftsp.errors import ConfigError
from peftsp.files import is_there
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.shipped import SHIPPED, find_bundle

_EPILOG = """\
examples:
  %(prog)s fast -o fast.onnx --check proteins.fasta
  %(prog)s models/fold0 models/fold1 -o both.onnx
  peftsp-predict proteome.fasta --bundle fast.onnx

The graph takes tokens and organism and gives types, cleavage sites, the path of states and region
probabilities; docs/onnx.md says how to run it without peftsp.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command on arguments, by default the process's; returns `run_command`'s status."""
    parser = new_parser("peftsp-export", "Write a model as an ONNX graph.", _EPILOG)
    add = parser.add_argument
    add(
        "bundles",
        nargs="+",
        metavar="BUNDLE",
        help=f"folder of a trained model or one of {', '.join(SHIPPED)}; several are averaged",
    )
    add("--output", "-o", type=Path, required=True, metavar="FILE", help="a new .onnx file")
    add(
        "--precision",
        choices=list(GRAPH_FILES),
        default="fp32",
        help="arithmetic of the backbone; int8 is smaller and less exact (default: fp32)",
    )
    add(
        "--calibrate",
        type=Path,
        metavar="FASTA",
        help="proteins on which int8 finds its scales (default: ten well-known ones)",
    )
    add("--check", type=Path, metavar="FASTA", help="predict these with PyTorch too and compare")
    add("--backbone", metavar="CHECKPOINT", help="ESM-2 weights (default: where the bundle says)")
    add_allow_code(parser)
    options = parse(parser, arguments)
    return run_command(lambda: _run(options), "interrupted; nothing was written")


def _run(options: Namespace) -> str:
    output: Path = options.output
    if output.suffix != ".onnx":
        raise ConfigError(f"{output}: expected a name that ends in .onnx")
    if options.calibrate is not None and options.precision != "int8":
        raise ConfigError(
            f"--calibrate {options.calibrate}: expected --precision int8 too, found "
            f"{options.precision}, which has no scales to find"
        )
    for place in (output, output.with_name(f"{output.name}.data")):
        if place.exists():
            raise ConfigError(f"{place}: expected no such file yet, found one")
    for fasta in filter(None, (options.calibrate, options.check)):
        if not is_there(fasta):
            raise ConfigError(f"{fasta}: expected a FASTA file, found none")
        # What is wrong of it is told before minutes of work.
        for _ in proteins_alone(read_fasta(fasta), str(fasta)):
            pass
    try:
        from peftsp.export.check import compare
        from peftsp.export.model import export_model, save_model
    except ImportError as error:
        raise lacking("peftsp-export", error, "export") from error
    bundles = [find_bundle(name) for name in options.bundles]
    allowed = options.allow_code
    proteins = options.calibrate or EXAMPLES
    model = export_model(bundles, options.precision, options.backbone, proteins, allowed)
    with writing_to(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(".partial", f".{output.name}.", output.parent) as folder:
            made = Path(folder) / output.name
            save_model(model, made)
            said = f"{output}: {options.precision}, {made.stat().st_size / 1e6:.1f} MB"
            if options.check is not None:
                said += f"; {compare(made, bundles, options.check, options.backbone, allowed)}"
            # The graph last, since it needs the weights beside it.
            for path in sorted(Path(folder).iterdir(), reverse=True):
                put_in_place(path, output.with_name(path.name))
    return said
