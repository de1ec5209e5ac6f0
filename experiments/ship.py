"""Put a run's bundle into the package, in half precision.

python experiments/ship.py runs/compact/shipped -o peftsp/pretrained/signal_peptides
python experiments/ship.py runs/accurate/shipped -o peftsp/pretrained/accurate

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
from peftsp.model.bundle import read_bundle, save_bundle

_KEPT = ("README.md", "LICENSE")
_BACKBONE = "backbone"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder in the package")
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="of SP types, found on validation proteins"
    )
    options = parser.parse_args()
    bundle, output = read_bundle(options.run / "bundle"), options.output
    halves = {name: tensor.half() for name, tensor in bundle.weights.items()}
    # Scores on partitions that were trained on would only mislead, paths say nothing elsewhere.
    training = {name: value for name, value in bundle.training.items() if name != "metrics"}
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
        crf=replace(bundle.crf, temperature=options.temperature),
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
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size:,} bytes")


if __name__ == "__main__":
    main()
