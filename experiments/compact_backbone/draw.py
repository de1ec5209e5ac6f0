"""Draw a pretraining run's learning curve.

python experiments/compact_backbone/draw.py runs/compact_backbone/pretraining/metrics.csv -o FILE
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("curve", type=Path, help="metrics.csv of pretrain.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="picture")
    options = parser.parse_args()
    rows = pd.read_csv(options.curve).groupby("step").first()
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in (("train/loss", "training"), ("held_out/loss", "held out")):
        curve = rows[name].dropna()
        left.plot(curve.index, curve, label=label, linewidth=1)
    left.set_ylabel("loss of hidden residues (nats)")
    left.legend()
    accuracy = 100 * rows["held_out/accuracy"].dropna()
    right.plot(accuracy.index, accuracy, color="tab:orange")
    right.set_ylabel("held-out hidden residues right (%)")
    for axes in (left, right):
        axes.set_xlabel("step of 64 sequences")
    figure.savefig(options.output, dpi=120)


if __name__ == "__main__":
    main()
