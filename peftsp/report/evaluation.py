"""All measures of a method, with their spread over folds and their intervals over proteins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peftsp.labels import NO_SP, SP_TYPES
from peftsp.metrics.calibration import are_graded, calibration_error
from peftsp.metrics.cells import (
    WINDOWS,
    CellCounter,
    Counts,
    group_means,
    mean_of_defined,
    mean_over,
)
from peftsp.metrics.intervals import draw_resamples, percentile_interval
from peftsp.report.methods import Method
from peftsp.report.proteins import Proteins, codes, joined, outcomes

Array = NDArray[np.float64]
Progress = Callable[[Iterable[Array]], Iterable[Array]]

MEASURES = (
    *("mcc2", "mcc1"),
    *(f"precision_{window}" for window in WINDOWS),
    *(f"recall_{window}" for window in WINDOWS),
)
LATEST_MEMBRANE = 40  # residues
_ENDS = ("value", "low", "high")


@dataclass(frozen=True)
class Estimate:
    """A value and how sure it is.

    Attributes:
        value: Of the test proteins as they are.
        low: Lower end of the 95 % interval over proteins.
        high: Its upper end.
        sd: Standard deviation over folds; NaN for one fold, or where it is not a mean of folds.
    """

    value: float
    low: float
    high: float
    sd: float = float("nan")


@dataclass(frozen=True)
class Evaluation:
    """How good a method is.

    Attributes:
        method: The method.
        cells: A row for each kingdom, SP type and measure: ``n`` proteins, ``folds`` in which it is
            defined, ``value`` (mean over folds), ``sd``, ``low``, ``high``, ``pooled``,
            ``pooled_low``, ``pooled_high``.
        mean: MCC2, mean over cells of the mean over folds.
        of_seeds: The same from the runs of each seed alone, by seed.
        pooled_mean: MCC2, mean over cells, all folds as one.
        membrane: Share of the NO_SP proteins with an early membrane stretch that get an SP.
        calibration: Expected calibration error of the SP type; NaN of calls alone.
        samples: float, ``(resamples, models, cells)``; MCC2 of each model.
    """

    method: Method
    cells: pd.DataFrame
    mean: Estimate
    of_seeds: dict[int, float]
    pooled_mean: Estimate
    membrane: Estimate
    calibration: Estimate
    samples: Array


def evaluate(
    method: Method, proteins: Proteins, resamples: int, seed: int, progress: Progress
) -> Evaluation:
    """Measure a method, and again on resamples of the proteins.

    Every method is measured on the same resamples, so that their differences can be, too.

    Args:
        method: What to measure.
        proteins: Those of all methods.
        resamples: How many to draw.
        seed: Of the draws.
        progress: Passes the resamples on, and may show how far it is.
    """
    drawn = draw_resamples(proteins.strata, resamples, seed)
    weights = (np.bincount(one, minlength=len(proteins)).astype(float) for one in drawn)
    sampler = _Sampler(method, proteins)
    seen = sampler.measure(np.ones(len(proteins)))
    sampled = [sampler.measure(one) for one in progress(weights)]
    mean, pooled, whole, models = (np.stack(parts) for parts in zip(*sampled, strict=True))
    cells = sampler.table(seen, percentile_interval(mean), percentile_interval(pooled))
    low, high = percentile_interval(whole)
    ends = zip(seen[2].tolist(), low.tolist(), high.tolist(), strict=True)
    overall = [dict(zip(_ENDS, end, strict=True)) for end in ends]
    by_fold = np.nanmean(group_means(seen[3], sampler.folds), axis=1)
    return Evaluation(
        method=method,
        cells=cells,
        mean=Estimate(**overall[0], sd=_sd(by_fold[:, None]).item()),
        of_seeds=sampler.mean_of_seeds(seen[3]),
        pooled_mean=Estimate(**overall[1]),
        membrane=Estimate(**overall[2]),
        calibration=Estimate(**overall[3]),
        samples=models,
    )


class _Sampler:
    """Measures one method on any resample."""

    def __init__(self, method: Method, proteins: Proteins) -> None:
        self.proteins = proteins
        self.folds = np.array([run.record.fold for run in method.runs])
        self.seeds = np.array([run.record.seed for run in method.runs])
        self.outcomes = outcomes(method.runs, proteins)
        self.count = CellCounter(self.outcomes)
        rows = joined(method.runs)
        probabilities = rows[list(SP_TYPES)].to_numpy(float)
        self.predicted = codes(rows["predicted_type"], SP_TYPES)
        self.confidence = probabilities[np.arange(len(rows)), self.predicted]
        self.is_graded = are_graded(probabilities)
        self.is_right = self.predicted == self.outcomes.true_type
        start = rows["membrane_start"].to_numpy(float)
        self.is_membrane = (self.outcomes.true_type == NO_SP) & (start <= LATEST_MEMBRANE)

    def measure(self, weights: Array) -> tuple[Array, Array, Array, Array]:
        """Measures of a resample.

        Returns:
            Mean over folds and pooled value, float ``(measures, cells)`` each; the four measures of
            the whole; MCC2 of each model, float ``(models, cells)``.
        """
        counts = self.count(weights)
        of_model, pooled = self._of_cells(counts), self._of_cells(counts.pooled())[:, 0]
        mean = mean_over(np.moveaxis(of_model, 1, 0), self.folds)
        whole = [mean_of_defined(mean[0]), mean_of_defined(pooled[0]), *self._of_rows(weights)]
        return mean, pooled, np.array(whole), of_model[0]

    def _of_cells(self, counts: Counts) -> Array:
        """Every measure: float, ``(measures, models, cells)``."""
        kingdoms, types = self.proteins.cell_places()
        values = [counts.mcc2(), counts.mcc1()]
        values += [counts.precision(window) for window in WINDOWS]
        values += [counts.recall(window) for window in WINDOWS]
        return np.stack(values)[:, :, kingdoms, types]

    def _of_rows(self, weights: Array) -> tuple[float, float]:
        of_row = weights[self.outcomes.protein]
        membrane = of_row * self.is_membrane
        called = (membrane * (self.predicted != NO_SP)).sum()
        share = called / membrane.sum() if membrane.any() else float("nan")
        if not self.is_graded:
            return share, float("nan")
        return share, calibration_error(self.confidence, self.is_right, of_row)

    def mean_of_seeds(self, mcc2: Array) -> dict[int, float]:
        """Mean MCC2 of each seed, from that of all models, float ``(models, cells)``."""
        own = {seed: self.seeds == seed for seed in np.unique(self.seeds).tolist()}
        return {
            seed: float(mean_of_defined(mean_over(mcc2[is_own], self.folds[is_own])))
            for seed, is_own in own.items()
        }

    def table(
        self,
        seen: tuple[Array, Array, Array, Array],
        interval: tuple[Array, Array],
        pooled_interval: tuple[Array, Array],
    ) -> pd.DataFrame:
        """See `Evaluation.cells`."""
        mean, pooled = seen[:2]
        by_fold = group_means(np.moveaxis(self._of_cells(self.count()), 1, 0), self.folds)
        columns = {
            "folds": (~np.isnan(by_fold)).sum(axis=0),
            "value": mean,
            "sd": _sd(by_fold),
            "low": interval[0],
            "high": interval[1],
            "pooled": pooled,
            "pooled_low": pooled_interval[0],
            "pooled_high": pooled_interval[1],
        }
        names = [(*cell, measure) for measure in MEASURES for cell in self.proteins.cells]
        table = pd.DataFrame(names, columns=["kingdom", "sp_type", "measure"])
        table["n"] = np.tile(self._sizes(), len(MEASURES))
        return table.assign(**{name: value.ravel() for name, value in columns.items()})

    def _sizes(self) -> list[int]:
        tested = self.proteins.table.iloc[np.unique(self.outcomes.protein)]
        sizes = tested.groupby(["kingdom", "sp_type"]).size()
        return [int(sizes.get(cell, 0)) for cell in self.proteins.cells]


def _sd(by_fold: Array) -> Array:
    """Standard deviation over folds; NaN where fewer than two define the value."""
    defined = (~np.isnan(by_fold)).sum(axis=0)
    centre = np.where(defined, np.nansum(by_fold, axis=0) / np.maximum(defined, 1), np.nan)
    squares = np.nansum((by_fold - centre) ** 2, axis=0)
    return np.where(defined > 1, np.sqrt(squares / np.maximum(defined - 1, 1)), np.nan)
