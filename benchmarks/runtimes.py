"""Proteins a second with ONNX Runtime and with PyTorch in each precision, in turn.

python benchmarks/runtimes.py proteome.faa.gz --proteins 1000 --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import torch

from peftsp.data.fasta import read_fasta
from peftsp.inference.compute.device import fitting_batch_size
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.precision import lower_precision
from peftsp.inference.compute.results import Models
from peftsp.inference.compute.torch_models import TorchModels
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import SHIPPED
from peftsp.records import Prediction

CONTENDERS = (
    *(("torch", precision) for precision in ("fp32", "bf16", "int8")),
    *(("onnx", precision) for precision in GRAPH_FILES),
)
"""Runtimes and precisions; the others are compared with the first."""


def main() -> None:
    """Print a row for each: medians over rounds of rates and of ratios, and what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--proteins", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=list(SHIPPED), default=list(SHIPPED))
    options = parser.parse_args()
    records = list(islice(read_fasta(options.fasta), options.proteins))
    torch.set_num_threads(options.threads)
    for name in options.models:
        bundle = SHIPPED[name].folder
        size = fitting_batch_size("cpu", OnnxModel(bundle / GRAPH_FILES["fp32"], 1).widths[0])
        loaded = {one: _load(bundle, *one, options.threads) for one in CONTENDERS}
        rates: dict[tuple[str, str], list[float]] = {one: [] for one in CONTENDERS}
        found: dict[tuple[str, str], list[Prediction]] = {}
        for _ in range(options.rounds):
            for one, (models, told) in loaded.items():
                began = time.perf_counter()
                found[one] = list(predict_records(records, models, size, told))
                rates[one].append(len(records) / (time.perf_counter() - began))
        print(f"\n`{name}`, {len(records):,} proteins, {options.threads} threads\n")
        print("| runtime | precision | proteins a second | ratio | types | sites |")
        print("|---|---|---:|---:|---:|---:|")
        first = CONTENDERS[0]
        for one in CONTENDERS:
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(rates[one], rates[first], strict=True)
            )
            flips = _flips(found[one], found[first])
            print(
                f"| {one[0]} | {one[1]} | {statistics.median(rates[one]):.0f} | {ratio:.2f} "
                f"| {flips['type']} | {flips['site']} |",
                flush=True,
            )


def _load(bundle: Path, runtime: str, precision: str, threads: int) -> tuple[Models, Options]:
    if runtime == "onnx":
        return OnnxModel(bundle / GRAPH_FILES[precision], threads), Options()
    taggers = load_taggers([bundle])
    lower_precision(taggers, precision)
    return TorchModels(taggers), Options(precision=precision)


def _flips(ours: list[Prediction], theirs: list[Prediction]) -> Counter[str]:
    """How many SP types and cleavage sites differ."""
    counts: Counter[str] = Counter()
    for one, other in zip(ours, theirs, strict=True):
        counts["type"] += one.sp_type != other.sp_type
        counts["site"] += one.cleavage_site != other.cleavage_site
    return counts


if __name__ == "__main__":
    main()
