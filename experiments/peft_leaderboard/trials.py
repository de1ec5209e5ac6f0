"""Which trainings a method gets, what they predict, and which of them a fold takes.

A training serves the two folds that train on its partition: in each, one of the two partitions that
it has not seen chooses among the method's trials and the other one tests the chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig
from sklearn.metrics import matthews_corrcoef

from peftsp.data.folds import nested_folds
from peftsp.evaluate.plan import plan_tests
from peftsp.evaluate.rows import Predicting, predict_rows, run_of
from peftsp.evaluate.seen import members_of
from peftsp.records import LabelledRecord
from peftsp.runs.folder import BUNDLE, RunFolder
from peftsp.runs.identity import Contents, contents_of
from peftsp.runs.record import (
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    RUN_FILE,
    RunRecord,
    read_record,
    write_record,
)
from peftsp.runs.results import Run, read_run
from peftsp.training.build import settings_of

METHODS: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "methods.yaml").read_text()
)

TRAINED = (0, 1, 3)
"""A fold for each partition that trains; the other three would train the same models."""

HEAD_RATE = 0.01
"""Of head and CRF, beside whatever a method trains."""

_SIZES = (0.5, 0.9, 0.1, 0.6)
"""Which of a method's sizes goes with the first, second, … rate, as a share of their list."""
_FOLDS = nested_folds(range(3))
_PREDICTING = Predicting("auto", None, "bf16", tells_kingdom=False, has_progress=True)


def trial_settings(method: Mapping[str, Any], trial: int, trials: int) -> dict[str, Any]:
    """Settings of one trial: rates lie evenly on a logarithmic scale, each with one of the sizes.

    Args:
        method: An entry of ``methods.yaml``.
        trial: 0-based.
        trials: How many there are.
    """
    low, high = method["rate"]
    rate = float(f"{low * (high / low) ** ((trial + 0.5) / trials):.3g}")
    factor = 1.0 if method.get("is_head_only") else float(f"{HEAD_RATE / rate:.3g}")
    settings: dict[str, Any] = {"optimizer.lr": rate, "learning_rate.head_factor": factor}
    settings |= method.get("settings", {})
    for key, values in method["size"].items():
        settings[key] = values[int(_SIZES[trial % len(_SIZES)] * len(values))]
    return settings


def is_done(folder: Path, run: DictConfig, read_contents: Callable[[DictConfig], Contents]) -> bool:
    """Whether a folder's training or test has ended, and is of this very run.

    Args:
        folder: Of the training, or of one of its tests.
        run: The run's settings as composed, resolved.
        read_contents: Gives what a run of such settings reads.
    """
    if not (folder / RUN_FILE).is_file() or read_record(folder).ended is None:
        return False
    return RunFolder(folder).is_same(settings_of(run), read_contents(run))


def test_folders(tested: Path, trial: int, fold: int, seed: int) -> list[Path]:
    """Where the two tests of a training are, or will be.

    Args:
        tested: Folder of the method's tests.
        trial: Number of the trial.
        fold: Of the training, or the other one that trains on the same partition.
        seed: Of the training.
    """
    return [_test_folder(tested, trial, n, seed) for n in sorted({fold, _twin(fold)})]


def _test_folder(tested: Path, trial: int, fold: int, seed: int) -> Path:
    return tested / f"trial{trial}-fold{fold}-seed{seed}"


def predict_folds(runs: Path, tested: Path, records: Sequence[LabelledRecord]) -> None:
    """Test each training of a method in both its folds; what has been tested stays.

    Args:
        runs: Folder of the trainings.
        tested: Folder of the tests, a finished run below it for each.
        records: The whole data set.
    """
    for folder in sorted(path.parent for path in runs.glob(f"*/{RUN_FILE}")):
        record = read_record(folder)
        if record.ended is None:
            continue
        members = members_of([folder / BUNDLE], records)
        for test in plan_tests({record.method: members}, records, is_averaged=False).tests:
            output = _test_folder(tested, _trial(record), test.fold, record.seed)
            if (output / PREDICTIONS_FILE).is_file() and _is_of(output, record):
                continue
            rows = predict_rows(test.bundles, records, test.places, _PREDICTING)
            run = run_of(record.method, test.fold, record.seed, rows, record.dataset, {})
            table = run.predictions[list(PREDICTION_COLUMNS)]
            score = float(matthews_corrcoef(table["sp_type"], table["predicted_type"]))
            splits = {"train": record.splits["train"], "test": len(rows)}
            output.mkdir(parents=True, exist_ok=True)
            metrics = {"test/mcc": score}
            table.to_csv(output / PREDICTIONS_FILE, index=False, float_format="%.6g")
            # Last, for the record says that a test has ended.
            write_record(replace(record, fold=test.fold, splits=splits, metrics=metrics), output)


def _is_of(test: Path, training: RunRecord) -> bool:
    return RunFolder(test).is_same(training.settings, contents_of(training))


def read_tested(tested: Path) -> list[Run]:
    """The tests that `predict_folds` has written of trainings that have both of theirs."""
    tests = [read_run(path.parent) for path in sorted(tested.glob(f"*/{PREDICTIONS_FILE}"))]
    places = {_place(run, run.record.fold) for run in tests}
    return [run for run in tests if _place(run, _twin(run.record.fold)) in places]


def is_complete(tests: Iterable[Run], tuned_by: Iterable[Run] | None = None) -> bool:
    """Whether each fold can choose among all trials, and has tested the one that it takes.

    Args:
        tests: Of a method.
        tuned_by: Its tests in the study that chooses, if that is another one.
    """
    tests = list(tests)
    choosing = tests if tuned_by is None else list(tuned_by)
    if not tests or not choosing:
        return False
    first = _first_seed(choosing)
    needed = {(n, first, trial) for n in range(len(_FOLDS)) for trial in trials_of(choosing)}
    can_choose = needed <= {_place(run, run.record.fold) for run in choosing}
    return can_choose and {run.record.fold for run in chosen(tests, tuned_by)} == {*range(6)}


def trials_of(tests: Iterable[Run]) -> set[int]:
    """Numbers of the trials."""
    return {trial_of(run) for run in tests}


def chosen_trials(tests: Iterable[Run]) -> dict[int, int]:
    """The trial of each fold that validates best, with the first seed."""
    tests = list(tests)
    validating = [run for run in tests if run.record.seed == _first_seed(tests)]
    best = {
        fold: max((run for run in validating if run.record.fold == _twin(fold)), key=score_of)
        for fold in {run.record.fold for run in tests}
    }
    return {fold: trial_of(run) for fold, run in best.items()}


def chosen(tests: Iterable[Run], tuned_by: Iterable[Run] | None = None) -> list[Run]:
    """Tests of each fold's chosen trial, with the seeds that all folds have.

    Args:
        tests: Of a method.
        tuned_by: Its tests in the study that chooses, if that is another one.
    """
    tests = list(tests)
    trials = chosen_trials(tests if tuned_by is None else tuned_by)
    taken = [run for run in tests if trial_of(run) == trials[run.record.fold]]
    folds_of: dict[int, set[int]] = {}
    for run in taken:
        folds_of.setdefault(run.record.seed, set()).add(run.record.fold)
    found = [run for run in taken if folds_of[run.record.seed] == trials.keys()]
    return sorted(found, key=lambda run: (run.record.fold, run.record.seed))


def _first_seed(tests: Iterable[Run]) -> int:
    return min(run.record.seed for run in tests)


def validation_score(tests: Iterable[Run], run: Run) -> float:
    """MCC of the six types on the partition that validates in a test's fold."""
    return score_of(validating(tests, run))


def validating(tests: Iterable[Run], run: Run) -> Run:
    """The same training on the partition that validates in a test's fold."""
    place = _place(run, _twin(run.record.fold))
    [twin] = [t for t in tests if _place(t, t.record.fold) == place]
    return twin


def _place(run: Run, fold: int) -> tuple[int, int, int]:
    return fold, run.record.seed, trial_of(run)


def score_of(run: Run) -> float:
    """MCC of the six types on the partition that tests."""
    assert run.record.metrics is not None
    return run.record.metrics["test/mcc"]


def trial_of(run: Run) -> int:
    """Number of the trial."""
    return _trial(run.record)


def _trial(record: RunRecord) -> int:
    return int(record.settings.get("variant", "-trial0").removeprefix("-trial"))


def trained_fold(fold: int) -> int:
    """The one of `TRAINED` that trains on the same partition."""
    return fold if fold in TRAINED else _twin(fold)


def _twin(fold: int) -> int:
    """The fold that trains on the same partition, in which this fold's validation tests."""
    own = _FOLDS[fold]
    return next(n for n, f in enumerate(_FOLDS) if (f.test, f.train) == (own.validation, own.train))
