"""Tables of the methods as wholes: measures, comparisons, cost, settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import pandas as pd

from peftsp.report.comparison import MEAN
from peftsp.report.evaluation import LATEST_MEMBRANE, Estimate, Evaluation
from peftsp.report.measure_tables import INTERVAL
from peftsp.report.methods import Method
from peftsp.report.table import Table
from peftsp.report.text import as_text, duration, number, p_value, setting, size


def overall_table(evaluations: Sequence[Evaluation]) -> Table:
    """Measures of the whole, a row for each method."""
    titles: dict[str, Callable[[Evaluation], Estimate]] = {
        "mean MCC2": lambda e: e.mean,
        "mean MCC2, pooled": lambda e: e.pooled_mean,
        "membrane called SP": lambda e: e.membrane,
        "calibration error": lambda e: e.calibration,
    }
    rows, numbers = [], []
    for evaluation in evaluations:
        own = {"method": evaluation.method.label, "folds": len(evaluation.method.folds)}
        own["runs"] = len(evaluation.method.runs)
        found = {title: estimate(evaluation) for title, estimate in titles.items()}
        of_seeds = evaluation.of_seeds
        seeds = {"mean MCC2 of each seed": ", ".join(number(v, 3) for v in of_seeds.values())}
        rows.append(own | {title: as_text(value, 3) for title, value in found.items()} | seeds)
        parts = {
            f"{title} {end}": getattr(value, end)
            for title, value in found.items()
            for end in ("value", "sd", "low", "high")
        }
        numbers.append(own | parts | {f"mean MCC2 seed {k}": v for k, v in of_seeds.items()})
    caption = (
        f"Measures of the whole, {INTERVAL}. Mean MCC2: over all kingdoms and SP types alike. "
        f"Of each seed: what its runs alone give; no interval holds that. "
        f"Membrane called SP: share of the proteins without signal peptide whose first membrane "
        f"stretch starts within {LATEST_MEMBRANE} residues that are called a signal peptide. "
        f"Calibration error: expected, of the SP type, 15 bins."
    )
    return Table("overall", caption, pd.DataFrame(rows), pd.DataFrame(numbers))


def comparison_table(
    comparison: pd.DataFrame, is_mean: bool, resamples: int, against: str | None
) -> Table:
    """Differences in MCC2 between every two methods, or between one and all others."""
    rows = comparison[(comparison["kingdom"] == MEAN) == is_mean].dropna(subset=["difference"])
    estimates = [
        as_text(Estimate(*row), 3)
        for row in rows[["difference", "low", "high"]].itertuples(index=False)
    ]
    shown = pd.DataFrame({"first": rows["first"], "second": rows["second"]})
    if not is_mean:
        shown["kingdom"], shown["SP type"] = rows["kingdom"], rows["sp_type"]
    shown["folds"] = rows["folds"]
    shown["difference"] = estimates
    shown["p"] = [p_value(value) for value in rows["p"]]
    shown["p, Holm"] = [p_value(value) for value in rows["p_holm"]]
    what = "mean MCC2" if is_mean else "MCC2 of each kingdom and SP type"
    family = f"comparisons with {against}" if against else "all pairs of methods"
    family += "" if is_mean else ", kingdoms and SP types"
    caption = (
        f"Differences in {what}, first less second method, on the folds that both have and as many "
        f"runs of each as both have, of equal seeds where there are; {INTERVAL}, paired; two-sided "
        f"p value of {resamples:,} permutations that swap what both methods say of a protein; "
        f"Holm's adjustment over {family}."
    )
    return Table("comparison" if is_mean else "comparison_cells", caption, shown, rows)


def cost_table(methods: Sequence[Method]) -> Table:
    """What the methods cost: means over runs, of memory the most."""
    rows, numbers = [], []
    for method in methods:
        costs = pd.DataFrame([asdict(run.cost) for run in method.runs])
        record, cost = method.runs[0].record, method.runs[0].cost
        trained, total = cost.trained_parameters, cost.all_parameters
        seconds = costs["fit_seconds"]
        sd = f" ± {duration(seconds.std())}" if len(seconds) > 1 else ""
        gpu = costs["peak_gpu_memory"].dropna()
        rows.append(
            {
                "method": method.label,
                "backbone": record.backbone,
                "runs": len(method.runs),
                "trained parameters": f"{trained:,} ({trained / total:.2%})",
                "all parameters": f"{total:,}",
                "time to fit": duration(seconds.mean()) + sd,
                "peak memory": size(costs["peak_memory"].max()),
                "peak GPU memory": size(gpu.max()) if len(gpu) else "–",
                "checkpoint": size(costs["checkpoint_size"].mean()),
                "bundle": size(costs["bundle_size"].mean()),
            }
        )
        numbers.append(
            costs.assign(method=method.label, folder=[r.record.name for r in method.runs])
        )
    caption = (
        "Cost of a run. Time: wall time of fitting with its validations, mean ± standard deviation "
        "over runs, on whatever machine each ran. Memory: of the run and process that took most. "
        "Checkpoint: with the optimizer's state. Bundle: what prediction needs beside the backbone."
    )
    return Table("cost", caption, pd.DataFrame(rows), pd.concat(numbers))


def settings_table(methods: Sequence[Method]) -> Table:
    """Settings in which the methods differ, a row for each."""
    names = sorted({name for method in methods for name in method.settings})
    content = {m.label: [setting(m.settings.get(name)) for name in names] for m in methods}
    table = pd.DataFrame({"setting": names, **content})
    return Table("settings", "Settings in which the methods differ.", table, table)
