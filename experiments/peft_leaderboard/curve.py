"""Mean MCC2 against the number of training proteins, from leaderboards of several data sets.

python experiments/peft_leaderboard/curve.py RESULTS/small10 RESULTS/small30 -o RESULTS/curve

Each folder holds the ``leaderboard.csv`` of `report.py`. Methods that only one of them has are left
out. Each data set is tested on proteins of its own: methods can be compared within one, and their
order between them, but a line that rises says nothing of what more proteins would give.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

_SHOWN = 0.8
"""Share of the best MCC2 that the picture reaches down to."""
_SPREAD = 1.02
"""By how much a method's points lie beside those of the one before, for intervals to be seen."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leaderboards", type=Path, nargs="+", help="one folder for each data set")
    parser.add_argument("-o", "--output", type=Path, required=True, help="of a .md and a .png")
    options = parser.parse_args()
    for folder in options.leaderboards:
        if not (folder / "leaderboard.csv").is_file():
            parser.error(f"{folder}: expected a leaderboard.csv in it, found none")
    points = read_points(options.leaderboards)
    options.output.with_suffix(".md").write_text(as_markdown(points))
    draw(points, options.output.with_suffix(".png"))
    print(as_markdown(points))


def read_points(folders: Sequence[Path]) -> pd.DataFrame:
    """A row for each method and data set, of methods that several data sets have."""
    tables = [
        pd.read_csv(folder / "leaderboard.csv").assign(data=folder.name) for folder in folders
    ]
    points = pd.concat(tables, ignore_index=True)
    return points[points.groupby("method")["data"].transform("nunique") > 1]


def as_markdown(points: pd.DataFrame) -> str:
    """A column for each data set, methods in the order of the one with fewest proteins."""
    sets = points.groupby("data")["training_proteins"].max().sort_values()
    titles = [f"{name}: {count:,.0f} training proteins" for name, count in sets.items()]
    lines = [f"| method | {' | '.join(titles)} |", "|---" + "|---:" * len(sets) + "|"]
    for method in _order(points):
        own = points[points["method"] == method].set_index("data")
        cells = (_cell(own.loc[name]) if name in own.index else "–" for name in sets.index)
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _order(points: pd.DataFrame) -> list[str]:
    ranked = points.sort_values(["training_proteins", "mcc2"], ascending=[True, False])
    return list(dict.fromkeys(ranked["method"]))


def _cell(row: pd.Series) -> str:
    return f"{row['mcc2']:.3f} ({row['low']:.3f} to {row['high']:.3f}), {row['runs']} runs"


def draw(points: pd.DataFrame, path: Path) -> None:
    """A line with intervals for each method."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    best = points.groupby("method")["mcc2"].transform("max")
    low = points[best < _SHOWN * points["mcc2"].max()]
    points = points.drop(low.index)
    for place, method in enumerate(_order(points)):
        own = points[points["method"] == method].sort_values("training_proteins")
        errors = [own["mcc2"] - own["low"], own["high"] - own["mcc2"]]
        x = own["training_proteins"] * _SPREAD**place
        axes.errorbar(x, own["mcc2"], errors, marker="o", capsize=2, label=method)
    counts = sorted(set(points["training_proteins"].round().astype(int)))
    axes.set(
        xscale="log",
        xlabel="training proteins, each data set tested on its own",
        ylabel="mean MCC2, 95 % interval",
    )
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    lower = ", ".join(f"{name} {of['mcc2'].max():.2f}" for name, of in low.groupby("method"))
    figure.suptitle(f"below, at best: {lower}" if lower else "", fontsize="medium")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
