"""Whether types and cleavage sites depend on batch size, order and neighbours, in each precision.

python experiments/robustness/flips.py PROTEINS.faa.gz --proteins 300 [--precisions onnx]

``onnx`` and ``onnx-int8`` are the graphs that ship, the others PyTorch.
"""

from __future__ import annotations

import argparse
import random
from itertools import islice
from pathlib import Path

import torch

from peftsp.data.fasta import read_fasta
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.precision import lower_precision
from peftsp.inference.compute.results import Models
from peftsp.inference.compute.torch_models import TorchModels
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import SHIPPED, find_model
from peftsp.records import Prediction, SequenceRecord

GRAPHS = {"onnx": GRAPH_FILES["fp32"], "onnx-int8": GRAPH_FILES["int8"]}
PRECISIONS = (*GRAPHS, "fp32", "bf16", "int8")
BATCH_SIZES = (1, 7, 16, 34, 64)
ORDERS = 3


def main() -> None:
    """Compare every combination with the first one of its precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proteins_file")
    parser.add_argument("--model", choices=list(SHIPPED), default="fast")
    parser.add_argument("--proteins", type=int, default=300)
    parser.add_argument("--start", type=int, default=0, help="proteins left out before")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = islice(read_fasta(options.proteins_file), options.start, None)
    records = list(islice(chosen, options.proteins))
    for precision in options.precisions:
        models, told = load(find_model(options.model), precision)
        expected: dict[int, Prediction] = {}
        flips, farthest, runs = 0, 0.0, 0
        for order in range(ORDERS):
            places = list(range(len(records)))
            random.Random(order).shuffle(places)
            for size in BATCH_SIZES:
                shuffled: list[SequenceRecord] = [records[place] for place in places]
                found = predict_records(shuffled, models, size, told)
                for place, prediction in zip(places, found, strict=True):
                    first = expected.setdefault(place, prediction)
                    flips += call(first) != call(prediction)
                    pairs = zip(first.probabilities, prediction.probabilities, strict=True)
                    farthest = max(farthest, *(abs(a - b) for a, b in pairs))
                runs += 1
        print(
            f"{precision}: {len(records)} proteins from {options.start} on, {runs} runs, "
            f"{flips} flips, probabilities differ by at most {farthest:.1e}",
            flush=True,
        )


def load(bundle: Path, precision: str) -> tuple[Models, Options]:
    """A model, and what it has to be told: its graph, or in PyTorch with a precision."""
    if precision in GRAPHS:
        return OnnxModel(bundle / GRAPHS[precision], 1), Options()
    taggers = load_taggers([bundle])
    lower_precision(taggers, precision)
    return TorchModels(taggers), Options(precision=precision)


def call(prediction: Prediction) -> tuple[str, int | None]:
    """What a user reads first."""
    return prediction.sp_type, prediction.cleavage_site


if __name__ == "__main__":
    main()
