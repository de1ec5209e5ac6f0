"""What temperatures do to models' probabilities on the validation partition of their folds.

python experiments/distillation/temperatures.py train_set.fasta runs/distillation/fast-fold*/bundle
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from peftsp.data.folds import NESTED, folds_of
from peftsp.data.labelled import read_labelled
from peftsp.evaluate.calibrate import quality_of
from peftsp.evaluate.calibration import Calibration
from peftsp.evaluate.rows import Predicting, predict_types
from peftsp.labels import SP_TYPES
from peftsp.model.bundle import read_bundle

_TEMPERATURES = (1.0, 2.0, 2.5, 3.0, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="3-line file that the models were trained on")
    parser.add_argument("bundles", type=Path, nargs="+")
    options = parser.parse_args()
    records = read_labelled(options.data)
    folds = folds_of((record.partition for record in records), NESTED)
    predicting = Predicting("cpu", None, "bf16", tells_kingdom=True, has_progress=True)
    found, true = [], []
    for bundle in options.bundles:
        fold = folds[read_bundle(bundle).training["data"]["fold"]]
        used = [record for record in records if record.partition == fold.validation]
        found.append(predict_types(bundle, used, predicting))
        true += [SP_TYPES.index(record.sp_type) for record in used]
    probabilities, types = torch.cat(found), torch.tensor(true)
    print(f"{len(types):,} predictions\n")
    print("| temperature | calibration error | log loss |\n|---:|---:|---:|")
    for temperature in _TEMPERATURES:
        calibration = Calibration(temperature, dict.fromkeys(SP_TYPES, 0.0))
        quality = quality_of(calibration.apply(probabilities), types)
        print(f"| {temperature} | {quality.error:.4f} | {quality.log_loss:.4f} |")


if __name__ == "__main__":
    main()
