"""The value of a trial: the mean over folds, reported as it grows, and what is made of errors."""

from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

from optuna.distributions import IntDistribution  # noqa: E402
from optuna.pruners import ThresholdPruner  # noqa: E402
from optuna.storages import RetryHeartbeatStaleTrialCallback  # noqa: E402

from peftsp.errors import ConfigError, TrainingError  # noqa: E402
from peftsp.search.objective import (  # noqa: E402
    ERROR,
    Interruption,
    PoorTrialStop,
    TrialError,
    ValidationScore,
    folder_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
SPACE = {"peft.rank": IntDistribution(1, 8)}


@pytest.fixture
def score(monkeypatch):
    """Function of what trainings do, one a fold, that gives an objective and what it composed."""

    def make(*outcomes, folds=(4, 5)):
        composed, left = [], iter(outcomes)

        def compose(overrides):
            composed.append(list(overrides))
            return OmegaConf.create(
                {"optimized_metric": "val/score", "trainer": {"max_epochs": 10}}
            )

        def train(cfg, callbacks):
            outcome = next(left)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome(*callbacks) if callable(outcome) else outcome

        monkeypatch.setattr("peftsp.search.objective.train", train)
        return ValidationScore(compose, SPACE, folds), composed

    return make


def test_value_is_the_mean_over_the_folds(study, score):
    objective, composed = score({"val/score": 0.5, "other": 9.0}, {"val/score": 0.75})
    study.enqueue_trial({"peft.rank": 3})
    assert objective(study.ask()) == 0.625
    assert composed == [
        ["peft.rank=3", "data.fold=4", "name='${experiment_name}/trial0000/fold4'"],
        ["peft.rank=3", "data.fold=5", "name='${experiment_name}/trial0000/fold5'"],
    ]


def validation(value, epoch):
    """What a callback sees of a trainer that has validated."""
    metrics = {} if value is None else {"val/score": torch.tensor(value)}
    return SimpleNamespace(callback_metrics=metrics, current_epoch=epoch, sanity_checking=False)


def reported(study):
    return study.get_trials()[-1].intermediate_values


def test_validations_are_reported_as_means_of_the_folds_so_far(study, score):
    def train(*values):
        def run(watcher):
            for epoch, value in enumerate(values):
                watcher.on_validation_end(validation(value, epoch), None)
            return {"val/score": max(values)}

        return run

    objective, _ = score(train(0.25, 0.5), train(0.0, 1.0))
    assert objective(study.ask()) == 0.75
    assert reported(study) == {0: 0.25, 1: 0.5, 10: 0.25, 11: 0.75}


def test_what_is_no_validation_is_not_reported(study):
    watcher = PoorTrialStop(study.ask(), "val/score", [], 0)
    watcher.on_validation_end(validation(None, 0), None)
    sanity = validation(0.5, 0)
    sanity.sanity_checking = True
    watcher.on_validation_end(sanity, None)
    assert reported(study) == {}


def test_the_pruner_ends_a_poor_trial(study):
    study.pruner = ThresholdPruner(lower=0.5)
    watcher = PoorTrialStop(study.ask(), "val/score", [0.75], 10)
    watcher.on_validation_end(validation(0.25, 0), None)
    with pytest.raises(optuna.TrialPruned):
        watcher.on_validation_end(validation(0.125, 1), None)
    assert reported(study) == {10: 0.5, 11: 0.4375}


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("out of\n  memory"), "RuntimeError: out of memory"),
        (TrainingError("loss: found nan"), "TrainingError: loss: found nan"),
    ],
)
def test_a_failure_of_one_trial_is_kept_in_a_line(study, score, capsys, error, line):
    objective, _ = score({"val/score": 0.5}, error)
    with pytest.raises(TrialError, match=f"^{line}$"):
        objective(study.ask())
    assert study.get_trials()[0].user_attrs == {ERROR: line}
    assert capsys.readouterr().err == f"trial 0: {line}\n"


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ConfigError("data: wrong"), {ERROR: "ConfigError: data: wrong"}),
        (OSError("disk is full"), {}),
        (optuna.TrialPruned(), {}),
    ],
)
def test_what_others_would_meet_and_pruning_are_no_failure(study, score, error, kept):
    objective, _ = score(error)
    with pytest.raises(type(error)):
        objective(study.ask())
    assert study.get_trials()[0].user_attrs == kept


def test_an_interruption_is_not_taken_for_a_failure(study, score):
    objective, _ = score(KeyboardInterrupt())
    with pytest.raises(Interruption):
        study.optimize(objective, n_trials=1, catch=(Exception,))
    assert not issubclass(Interruption, KeyboardInterrupt | Exception)


def test_a_metric_that_is_not_measured_is_named(study, score):
    objective, _ = score({"val/nll": 2.0, "val/mcc": 0.5})
    with pytest.raises(ConfigError) as caught:
        objective(study.ask())
    message = "optimized_metric: expected one of val/mcc, val/nll, found val/score"
    assert str(caught.value) == message


def test_a_trial_that_takes_up_a_dead_ones_work_has_its_folder(study):
    study.ask()
    study.ask()
    for _ in range(2):
        RetryHeartbeatStaleTrialCallback()(study, study.get_trials()[-1])
    assert [folder_of(trial) for trial in study.get_trials()] == [
        *("trial0000", "trial0001", "trial0001", "trial0001")
    ]
