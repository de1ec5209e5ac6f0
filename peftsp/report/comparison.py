"""Which of two methods is better, on the proteins that both were tested on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peftsp.metrics.cells import CellCounter, Counts, mean_of_defined, mean_over
from peftsp.metrics.intervals import percentile_interval
from peftsp.metrics.significance import draw_swaps, holm, permutation_p
from peftsp.report.evaluation import Evaluation
from peftsp.report.proteins import Proteins, outcomes

Array = NDArray[np.float64]
Swaps = Iterable[NDArray[np.bool_]]

MEAN = "mean"
COLUMNS = (
    *("first", "second", "kingdom", "sp_type", "folds", "difference", "low", "high"),
    *("p", "p_holm"),
)


def compare(
    evaluations: Sequence[Evaluation],
    proteins: Proteins,
    resamples: int,
    seed: int,
    progress: Callable[[Swaps, str], Swaps],
    against: str | None = None,
) -> pd.DataFrame:
    """Compare methods by MCC2: in the mean over cells, and in each cell.

    The interval of a difference is of a paired bootstrap, its p value of a permutation test that
    swaps what both methods say of a protein. Holm's adjustment is over all pairs of methods for the
    mean, and over all pairs and cells for the cells.

    Args:
        evaluations: Of the methods.
        proteins: Those of all methods.
        resamples: How many permutations to draw.
        seed: Of the draws.
        progress: Passes the permutations of a pair on, and may show how far it is.
        against: Label of the method that all others are compared with; None: every two are.

    Returns:
        A row for each pair and cell, `COLUMNS`; ``kingdom`` is `MEAN` in the row of the mean.
        ``difference`` is that of the first method less the second.
    """
    rows = []
    for first, second in _pairs(evaluations, against):
        models = _shared_models(first, second)
        if models:
            title = f"comparing {first.method.label} with {second.method.label}"
            swaps = progress(draw_swaps(len(proteins), resamples, seed), title)
            rows += _rows(first, second, models, proteins, swaps)
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    is_mean = table["kingdom"] == MEAN
    table["p_holm"] = np.nan
    for family in (is_mean, ~is_mean):
        table.loc[family, "p_holm"] = holm(table.loc[family, "p"].to_numpy(float))
    return table


def _pairs(
    evaluations: Sequence[Evaluation], against: str | None
) -> Iterable[tuple[Evaluation, Evaluation]]:
    if against is None:
        return combinations(evaluations, 2)
    [baseline] = [e for e in evaluations if e.method.label == against]
    return [(e, baseline) for e in evaluations if e is not baseline]


def _shared_models(first: Evaluation, second: Evaluation) -> list[tuple[int, int]]:
    """Pairs of models of the same fold: of the same seed, and those left over as they come."""
    runs = first.method.runs, second.method.runs
    pairs = []
    for fold in first.method.folds:
        own, other = ([n for n, run in enumerate(r) if run.record.fold == fold] for r in runs)
        for place in own.copy():
            seed = runs[0][place].record.seed
            same = next((n for n in other if runs[1][n].record.seed == seed), None)
            if same is not None:
                pairs.append((place, same))
                own.remove(place)
                other.remove(same)
        pairs += list(zip(own, other, strict=False))
    return pairs


def _rows(
    first: Evaluation,
    second: Evaluation,
    models: list[tuple[int, int]],
    proteins: Proteins,
    swaps: Swaps,
) -> list[tuple[object, ...]]:
    sides = [list(side) for side in zip(*models, strict=True)]
    folds = np.array([first.method.runs[place].record.fold for place in sides[0]])
    counters = [
        CellCounter(outcomes([e.method.runs[place] for place in side], proteins))
        for e, side in zip((first, second), sides, strict=True)
    ]
    cells = proteins.cell_places()

    def scores(values: Array) -> Array:
        mcc2 = mean_over(Counts(values).mcc2(), folds)[cells]
        return np.append(mean_of_defined(mcc2), mcc2)

    whole = [counter().values for counter in counters]
    observed = scores(whole[0]) - scores(whole[1])
    permuted = []
    for swap in swaps:
        moved = [counter(swap).values for counter in counters]
        changed = [whole[side] - moved[side] + moved[1 - side] for side in (0, 1)]
        permuted.append(scores(changed[0]) - scores(changed[1]))
    p_values = permutation_p(observed, np.stack(permuted))
    low, high = percentile_interval(_differences(first, second, sides, folds))
    names = [(MEAN, ""), *proteins.cells]
    numbers = zip(observed.tolist(), low.tolist(), high.tolist(), p_values.tolist(), strict=True)
    labels = first.method.label, second.method.label
    shared = len(set(folds.tolist()))
    return [
        (*labels, *name, shared, *of_cell) for name, of_cell in zip(names, numbers, strict=True)
    ]


def _differences(
    first: Evaluation, second: Evaluation, sides: list[list[int]], folds: NDArray[np.int64]
) -> Array:
    """Differences of both methods on each resample: float, ``(resamples, 1 + cells)``."""
    means = [
        mean_over(np.moveaxis(e.samples[:, side], 1, 0), folds)
        for e, side in zip((first, second), sides, strict=True)
    ]
    of_cells = means[0] - means[1]
    of_mean = np.array(
        [mean_of_defined(a) - mean_of_defined(b) for a, b in zip(*means, strict=True)]
    )
    return np.concatenate([of_mean[:, None], of_cells], axis=1)
