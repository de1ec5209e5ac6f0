"""Draw mean MCC2 against the number of training proteins, from reports on several data sets.

python experiments/low_resource/learning_curve.py 148=REPORT 362=REPORT ... -o curve.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

VALUE, LOW, HIGH = (f"mean MCC2 {part}" for part in ("value", "low", "high"))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="PROTEINS=REPORT", help="folders of reports")
    parser.add_argument("-o", "--output", type=Path, default=Path("learning_curve.png"))
    options = parser.parse_args()
    pairs = (text.split("=", 1) for text in options.reports)
    draw(pd.concat(read(int(proteins), Path(report)) for proteins, report in pairs), options.output)


def read(proteins: int, report: Path) -> pd.DataFrame:
    """Measures of each method in a report."""
    return pd.read_csv(report / "tables" / "overall.csv").assign(proteins=proteins)


def draw(measures: pd.DataFrame, path: Path) -> None:
    """One line a method, with 95 % intervals."""
    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    for method, rows in measures.sort_values("proteins").groupby("method"):
        errors = [rows[VALUE] - rows[LOW], rows[HIGH] - rows[VALUE]]
        axes.errorbar(rows["proteins"], rows[VALUE], errors, marker="o", capsize=3, label=method)
    axes.set(xlabel="training proteins", ylabel="mean MCC2", xlim=(0, None), ylim=(0, None))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
