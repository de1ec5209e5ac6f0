"""Report on the runs of study.py and trivial.py, and the leaderboard as a table and a picture.

python experiments/peft_leaderboard/report.py RUNS/*-tested RUNS/trivial -o leaderboard

Runs are grouped by the folder below the ones that are named, since the settings of a method may
differ between folds, in each of which its validation partition chose them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd
from adjustText import adjust_text
from calibrated import calibrated, calibrated_table, has_probabilities
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from trials import (
    METHODS,
    chosen,
    is_complete,
    read_tested,
    score_of,
    trial_of,
    trials_of,
    validation_score,
)

from peftsp.report.build import ReportSettings, write_report
from peftsp.report.caveats import find_caveats
from peftsp.report.methods import Method
from peftsp.runs.record import RunRecord
from peftsp.runs.results import Run

BASELINE = "lora"
MCC2 = "mean MCC2"

_TITLES = (
    *("method", "runs", "mean MCC2", "of each seed", "less LoRA", "p, Holm"),
    *("calibrated", "calibration error", "then", "membrane called", "then"),
    *("trained", "s/step", "GB", "bundle, kB"),
)
_TO_DOT = {"arrowstyle": "-", "color": "gray", "linewidth": 0.5}
_SHOWN = 0.8
"""Share of the best MCC2 that the picture reaches down to."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", type=Path, nargs="+", help="folders with one for each method")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tuned-by", type=Path, metavar="STUDY", help="that chooses the trials")
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    for study in (*options.studies, options.tuned_by or options.studies[0]):
        if not study.is_dir():
            parser.error(f"{study}: expected the folder of a study, found none")
    found = read_tests(options.studies)
    choosing = found if options.tuned_by is None else found | read_tests([options.tuned_by])
    few = with_fewer_trials({name: choosing[name] for name in found})
    tests = {
        name: runs
        for name, runs in found.items()
        if name not in few and is_complete(runs, choosing[name])
    }
    skipped = [Path(name) for name in found if name not in tests and name not in few]
    chosen_runs = {name: chosen(runs, choosing[name]) for name, runs in tests.items()}
    methods = [Method(name, tuple(runs), {}) for name, runs in chosen_runs.items()]
    settings = ReportSettings(
        options.studies,
        options.output / "report",
        options.resamples,
        seed=0,
        has_progress=True,
        against=BASELINE if BASELINE in tests else None,
    )
    options.output.mkdir(parents=True, exist_ok=True)
    warnings = find_caveats(methods, skipped)
    if few:
        warnings.append(f"Left out, too, as fewer trials tuned them: {', '.join(sorted(few))}.")
    write_report(methods, settings, skipped, warnings)
    for warning in warnings:
        print(warning)
    trials = trials_table(tests, chosen_runs)
    trials.to_csv(options.output / "trials.csv", index=False, float_format="%.6g")
    table = leaderboard(methods, options.output / "report" / "tables")
    of_types = {
        name: calibrated(tests[name], runs)
        for name, runs in chosen_runs.items()
        if has_probabilities(tests[name], runs)
    }
    table.loc[~table["method"].isin(of_types), "error"] = float("nan")
    table = table.merge(calibrated_table(of_types), "left", on="method")
    table.to_csv(options.output / "leaderboard.csv", index=False, float_format="%.4f")
    (options.output / "leaderboard.md").write_text(as_markdown(table))
    draw(table, options.output / "leaderboard.png")
    print((options.output / "leaderboard.md").read_text())


def read_tests(studies: Sequence[Path]) -> dict[str, list[Run]]:
    """Runs by the folder of their method."""
    folders = [folder for study in studies for folder in sorted(study.iterdir())]
    return {folder.name: read_tested(folder) for folder in folders if folder.is_dir()}


def with_fewer_trials(tests: Mapping[str, Sequence[Run]]) -> set[str]:
    """Methods that were tuned with fewer trials than others, which are not compared with them."""
    counts = {name: len(trials_of(runs)) for name, runs in tests.items() if name in METHODS}
    return {name for name, count in counts.items() if count < max(counts.values())}


def trials_table(
    tests: Mapping[str, Sequence[Run]], chosen_runs: Mapping[str, Sequence[Run]]
) -> pd.DataFrame:
    """A row for each trial in each fold, with what differs between a method's trials."""
    rows = []
    for method, runs in tests.items():
        taken = {run.folder for run in chosen_runs[method]}
        for run in runs:
            settings = OmegaConf.create(run.record.settings)
            sizes = METHODS.get(method, {}).get("size", {})
            rows.append(
                {
                    "method": method,
                    "trial": trial_of(run),
                    "rate": OmegaConf.select(settings, "optimizer.lr"),
                    "size": " ".join(f"{k}={OmegaConf.select(settings, k)}" for k in sizes),
                    "fold": run.record.fold,
                    "seed": run.record.seed,
                    "validation_mcc": validation_score(runs, run),
                    "test_mcc": score_of(run),
                    "is_chosen": run.folder in taken,
                }
            )
    table = pd.DataFrame(rows)
    return table.sort_values(["method", "fold", "seed", "trial"], ignore_index=True)


def leaderboard(methods: Sequence[Method], tables: Path) -> pd.DataFrame:
    """A row for each method, the best first, with what it costs and how it compares with LoRA."""
    overall = pd.read_csv(tables / "overall.csv").set_index("method")
    of_seeds = overall.filter(like=f"{MCC2} seed ")
    rows = []
    for method in methods:
        costs = [run.cost for run in method.runs]
        steps = [_steps(run.record) for run in method.runs]
        seconds = [c.fit_seconds / n for c, n in zip(costs, steps, strict=True) if n]
        rows.append(
            {
                "method": method.label,
                "runs": len(method.runs),
                "training_proteins": fmean(run.record.splits["train"] for run in method.runs),
                "mcc2": overall.loc[method.label, f"{MCC2} value"],
                "low": overall.loc[method.label, f"{MCC2} low"],
                "high": overall.loc[method.label, f"{MCC2} high"],
                "of_each_seed": " ".join(f"{v:.3f}" for v in of_seeds.loc[method.label].dropna()),
                "trained": max(cost.trained_parameters for cost in costs),
                "membrane": overall.loc[method.label, "membrane called SP value"],
                "error": overall.loc[method.label, "calibration error value"],
                # Of the run that other work disturbed least.
                "seconds_a_step": min(seconds, default=None),
                "peak_memory": max(cost.peak_memory for cost in costs),
                "bundle": max(cost.bundle_size for cost in costs),
            }
        )
    table = pd.DataFrame(rows).sort_values("mcc2", ascending=False, ignore_index=True)
    if len(methods) == 1:
        return table.assign(less_lora=float("nan"), p_holm=float("nan"))
    compared = pd.read_csv(tables / "comparison.csv").query("second == @BASELINE")
    compared = compared.rename(columns={"first": "method", "difference": "less_lora"})
    return table.merge(compared[["method", "less_lora", "p_holm"]], "left", on="method")


def _steps(record: RunRecord) -> float:
    """Steps of a run, from its settings; 0 for one that was not trained in steps."""
    settings = record.settings
    if "trainer" not in settings:
        return 0
    batches = -(-record.splits["train"] // settings["data"]["batch_size"])
    limit = settings["trainer"].get("limit_train_batches") or 1.0
    batches = min(limit, batches) if isinstance(limit, int) else limit * batches
    return batches * settings["trainer"]["max_epochs"]


def as_markdown(table: pd.DataFrame) -> str:
    """The leaderboard for people."""
    lines = [f"| {' | '.join(_TITLES)} |", "|---" + "|---:" * (len(_TITLES) - 1) + "|"]
    for row in table.itertuples(index=False):
        lines.append(
            f"| {row.method} | {row.runs} | {row.mcc2:.3f} ({row.low:.3f} to {row.high:.3f}) "
            f"| {row.of_each_seed} "
            f"| {_or_dash(row.less_lora, '+.3f')} | {_or_dash(row.p_holm, '.3f')} "
            f"| {_or_dash(row.calibrated_mcc2, '.3f')} | {_or_dash(row.error, '.3f')} "
            f"| {_or_dash(row.calibrated_error, '.3f')} "
            f"| {row.membrane:.3f} | {_or_dash(row.calibrated_membrane, '.3f')} "
            f"| {row.trained:,} | {_or_dash(row.seconds_a_step, '.3f')} "
            f"| {row.peak_memory / 1e9:.1f} | {row.bundle / 1e3:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _or_dash(value: float, form: str) -> str:
    return "–" if pd.isna(value) else format(value, form)


def draw(table: pd.DataFrame, path: Path) -> None:
    """MCC2 with its interval, and against trained parameters and time; of what trains in steps."""
    trained = table.dropna(subset=["seconds_a_step"])
    shown = trained[trained["mcc2"] > _SHOWN * trained["mcc2"].max()].iloc[::-1]
    figure = Figure(figsize=(15, 6), layout="constrained")
    ranks, of_size, of_time = figure.subplots(1, 3)
    errors = [shown["mcc2"] - shown["low"], shown["high"] - shown["mcc2"]]
    ranks.errorbar(shown["mcc2"], shown["method"], xerr=errors, fmt="o", capsize=2)
    ranks.set_xlabel("mean MCC2, 95 % interval")
    ranks.grid(alpha=0.3)
    _scatter(of_size, shown, "trained", "trained parameters, head included")
    _scatter(of_time, shown, "seconds_a_step", "seconds a step, of the fastest run")
    low = [f"{row.method} {row.mcc2:.2f}" for row in trained.drop(shown.index).itertuples()]
    figure.suptitle(f"below: {', '.join(low)}" if low else "", fontsize="medium")
    figure.savefig(path, dpi=130)


def _scatter(axes: Axes, table: pd.DataFrame, column: str, title: str) -> None:
    axes.scatter(table[column], table["mcc2"])
    axes.set(xscale="log", xlabel=title, ylabel="mean MCC2")
    axes.margins(x=0.15)
    axes.grid(alpha=0.3)
    names = [axes.text(row[column], row["mcc2"], row["method"]) for _, row in table.iterrows()]
    adjust_text(
        names, *(list(table[name]) for name in (column, "mcc2")), ax=axes, arrowprops=_TO_DOT
    )


if __name__ == "__main__":
    main()
