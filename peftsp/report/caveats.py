"""What a reader has to know before believing a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from peftsp.report.methods import Method


def find_caveats(methods: Sequence[Method], skipped: Sequence[Path]) -> list[str]:
    """Sentences about folds that are missing, seeds that differ, tests that mean nothing."""
    found = []
    for method in methods:
        missing = sorted(set(range(method.runs[0].record.dataset.folds)) - set(method.folds))
        if missing:
            folds = ", ".join(map(str, missing))
            found.append(
                f"{method.label}: no run of fold{'s' if len(missing) > 1 else ''} {folds}; its "
                f"means are over the other folds and not comparable with means over all."
            )
        counts = {sum(run.record.fold == fold for run in method.runs) for fold in method.folds}
        if len(counts) > 1:
            found.append(
                f"{method.label}: not every fold was run with as many seeds as the others; with "
                f"all folds as one, those with more runs count for more."
            )
        found += _tested_on_training(method)
        seen = {(run.record.fold, run.record.start_has_seen) for run in method.runs}
        found += [
            f"{method.label}: the model that it begins from was trained or chosen on {count} of "
            f"the proteins that it is tested on in fold {fold}, so that its numbers are too good."
            for fold, count in sorted(seen)
            if count
        ]
    seeds = [{run.record.seed for run in m.runs} for m in methods if m.runs[0].record.cost]
    if len(seeds) > 1 and all(len(of_method) == 1 for of_method in seeds):
        found.append(
            "Each method was trained with one seed: intervals and p values hold chance in the "
            "proteins, not in training. Another seed or processor may give another order."
        )
    if skipped:
        names = ", ".join(path.name for path in skipped)
        found.append(f"Left out, as they are not finished, not tested or without record: {names}.")
    return found


def _tested_on_training(method: Method) -> list[str]:
    spoilt = [
        run.record.name
        for run in method.runs
        if "test" in run.record.settings.get("data", {}).get("train_splits", ())
    ]
    if not spoilt:
        return []
    return [
        f"{method.label}: trained on the test partition, so that its numbers mean nothing: "
        f"{', '.join(spoilt)}."
    ]
