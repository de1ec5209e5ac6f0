"""What calibration on the validation partitions would give the methods of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import torch
from trials import validating

from peftsp.evaluate.calibration import fit_calibration
from peftsp.labels import SP_TYPES
from peftsp.report.evaluation import evaluate
from peftsp.report.methods import Method
from peftsp.report.proteins import Proteins
from peftsp.runs.results import Run


def calibrated(tests: Sequence[Run], runs: Sequence[Run]) -> Method:
    """A method as it would be after `peftsp-calibrate` on the validation partition of each fold.

    Types alone, which is what MCC2 and the calibration error need.
    """
    found = []
    for run in runs:
        validation = validating(tests, run).predictions
        true = torch.tensor([SP_TYPES.index(name) for name in validation["sp_type"]])
        calibration = fit_calibration(_types(validation), true)
        after = calibration.apply(_types(run.predictions))
        names = [SP_TYPES[n] for n in after.argmax(dim=1).tolist()]
        columns = dict(zip(SP_TYPES, after.T.numpy(), strict=True))
        found.append(
            replace(run, predictions=run.predictions.assign(predicted_type=names, **columns))
        )
    return Method(runs[0].record.method, tuple(found), {})


def has_probabilities(tests: Sequence[Run], runs: Sequence[Run]) -> bool:
    """Whether tests, and what calibrates them, hold more than calls, which are all 0 and 1."""
    needed = [test for run in runs for test in (run, validating(tests, run))]
    return not any(test.predictions[list(SP_TYPES)].isin([0, 1]).all(axis=None) for test in needed)


def calibrated_table(methods: Mapping[str, Method]) -> pd.DataFrame:
    """A row for each method: MCC2, calibration error and membrane proteins called, calibrated."""
    proteins = Proteins.of([*methods.values()])
    rows = []
    for name, method in methods.items():
        found = evaluate(method, proteins, resamples=1, seed=0, progress=lambda draws: draws)
        row = {"method": name, "calibrated_mcc2": found.mean.value}
        row |= {"calibrated_error": found.calibration.value}
        rows.append(row | {"calibrated_membrane": found.membrane.value})
    return pd.DataFrame(rows)


def _types(predictions: pd.DataFrame) -> torch.Tensor:
    return torch.from_numpy(predictions[list(SP_TYPES)].to_numpy(float))
