"""Put a run's bundle into the package, in half precision.

python experiments/ship.py runs/fast/shipped --licence MIT -o peftsp/pretrained/fast
python experiments/ship.py runs/accurate/shipped --licence GPL-3.0-or-later -o DIR

A README.md and a LICENSE that lie there stay. A backbone that the package does not hold by its name
is put beside the weights; it has to be in half precision already, since the bundle names it by its
hash.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from peftsp.backbone.checkpoint import PRETRAINED
from peftsp.evaluate.calibration import Calibration, calibrate
from peftsp.export.model import export_model
from peftsp.export.shared import save_beside, share_weights
from peftsp.labels import SP_TYPES
from peftsp.model.bundle import read_bundle, save_bundle
from peftsp.model.bundle_files import GRAPH_FILES

_KEPT = ("README.md", "LICENSE")
_BACKBONE = "backbone"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder in the package")
    parser.add_argument(
        "--licence", required=True, help="SPDX name, which models that begin from it inherit"
    )
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="of SP types, found on validation proteins"
    )
    parser.add_argument(
        "--prevalence",
        type=float,
        nargs=2,
        metavar=("TRAINED", "EXPECTED"),
        help="share of signal peptides among the proteins trained on, and among those to predict",
    )
    options = parser.parse_args()
    calibration = Calibration(options.temperature, dict.fromkeys(SP_TYPES, 0.0))
    if options.prevalence:
        calibration = calibration.expecting(*options.prevalence)
    bundle = calibrate(read_bundle(options.run / "bundle"), calibration)
    output = options.output
    halves = {name: tensor.half() for name, tensor in bundle.weights.items()}
    # Scores on partitions that were trained on would only mislead, paths say nothing elsewhere.
    training = {name: value for name, value in bundle.training.items() if name != "metrics"}
    training["licence"] = options.licence
    for name in ("dir", "extra_path"):
        if training["data"].get(name):
            training["data"][name] = Path(training["data"][name]).name
    source = bundle.backbone
    place = None if (PRETRAINED / source.spec.name).is_dir() else Path(source.checkpoint or "")
    kept = {name: (output / name).read_text() for name in _KEPT if (output / name).is_file()}
    checkpoint = _BACKBONE if place else None
    shipped = replace(
        bundle,
        weights=halves,
        training=training,
        backbone=replace(source, checkpoint=checkpoint),
    )
    save_bundle(shipped, output)
    if place:
        (output / _BACKBONE).mkdir()
        for name in ("config.json", "model.safetensors", "NOTICE"):
            shutil.copy(place / name, output / _BACKBONE / name)
    for name, text in kept.items():
        (output / name).write_text(text)
    # They hold the card, too.
    for precision in GRAPH_FILES:
        model = export_model([output], precision)
        share_weights(model, output)
        save_beside(model, output, precision)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size:,} bytes")


if __name__ == "__main__":
    main()
