"""Put a run's bundle into the package, in half precision.

python experiments/compact_methods/ship.py runs/compact_methods/shipped
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from peftsp.model.bundle import DEFAULT_BUNDLE, read_bundle, save_bundle


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_BUNDLE)
    options = parser.parse_args()
    bundle = read_bundle(options.run / "bundle")
    halves = {name: tensor.half() for name, tensor in bundle.weights.items()}
    # Scores on partitions that were trained on would only mislead.
    training = {name: value for name, value in bundle.training.items() if name != "metrics"}
    card = options.output / "README.md"
    text = card.read_text() if card.exists() else None
    save_bundle(replace(bundle, weights=halves, training=training), options.output)
    if text is not None:
        card.write_text(text)
    print(f"{options.output}: {sum(p.stat().st_size for p in options.output.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
