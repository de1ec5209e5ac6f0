"""What a search optimises: the validation score of a trial, averaged over folds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from optuna import TrialPruned
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial

from peftsp.errors import BusyFolderError, ConfigError, PeftspError, TrainingError
from peftsp.search.space import suggest
from peftsp.training.run import train

ERROR = "error"
"""Attribute of a trial that failed: what it raised, in one line."""


class TrialError(Exception):
    """A trial has failed; others may not."""


class Interruption(BaseException):
    """Ctrl-C, by a name that Optuna does not take for a trial's failure: it is gone on with."""


class TakenOver(BaseException):
    """A trial is another worker's by now, which took this one for dead: nothing is left to tell."""


class PoorTrialStop(Callback):
    """Reports each validation to a trial, and ends the run where the pruner says so.

    Optuna's own callback counts the epochs of one run; a trial here has a run for each fold.

    Args:
        trial: The trial.
        metric: Name of the validation metric.
        scores: Of the trial's folds before this one.
        first: Step of this run's first epoch.
    """

    def __init__(self, trial: Trial, metric: str, scores: Sequence[float], first: int) -> None:
        self.trial = trial
        self.metric = metric
        self.scores = list(scores)
        self.first = first

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Report the mean of the folds so far.

        Raises:
            TrialPruned: The trial is poor beside others.
            UpdateFinishedTrialError: It is another worker's by now.
        """
        value = trainer.callback_metrics.get(self.metric)
        if value is None or trainer.sanity_checking:
            return
        self.trial.report(fmean([*self.scores, value.item()]), self.first + trainer.current_epoch)
        if self.trial.should_prune():
            raise TrialPruned


class ValidationScore:
    """The objective of a study.

    Args:
        compose: Gives the settings of a run for overrides.
        distributions: What is searched, by setting.
        folds: Over whose validation partitions is averaged.
    """

    def __init__(
        self,
        compose: Callable[[Sequence[str]], DictConfig],
        distributions: Mapping[str, BaseDistribution],
        folds: Sequence[int],
    ) -> None:
        self.compose = compose
        self.distributions = distributions
        self.folds = folds

    def __call__(self, trial: Trial) -> float:
        """Train on each fold and average the best validation scores.

        Raises:
            TrialPruned: The trial is poor.
            TrialError: It failed, for a reason that others may not have.
            PeftspError: The configuration is wrong.
            Interruption: The user stops the search.
            TakenOver: The trial is another worker's by now.
        """
        try:
            return self._score(trial)
        except UpdateFinishedTrialError:
            raise TakenOver from None

    def _score(self, trial: Trial) -> float:
        overrides = suggest(trial, self.distributions)
        folder = folder_of(_frozen(trial))
        scores: list[float] = []
        for index, fold in enumerate(self.folds):
            name = f"${{experiment_name}}/{folder}/fold{fold}"
            cfg = self.compose([*overrides, f"data.fold={fold}", f"name='{name}'"])
            metric, epochs = cfg.optimized_metric, cfg.trainer.max_epochs
            watcher = PoorTrialStop(trial, metric, scores, index * epochs)
            try:
                metrics = _train_when_free(cfg, watcher)
            except KeyboardInterrupt:
                raise Interruption from None
            # A full disk is of no trial.
            except (TrialPruned, UpdateFinishedTrialError, OSError):
                raise
            except Exception as error:
                line = " ".join(f"{type(error).__name__}: {error}".split())
                trial.set_user_attr(ERROR, line)
                # A loss that is not finite is of this trial's settings, not of the configuration.
                if isinstance(error, PeftspError) and not isinstance(error, TrainingError):
                    raise
                print(f"trial {trial.number}: {line}", file=sys.stderr)
                raise TrialError(line) from error
            if metric not in metrics:
                raise ConfigError(
                    f"optimized_metric: expected one of {', '.join(sorted(metrics))}, "
                    f"found {metric}"
                )
            scores.append(metrics[metric])
        if _frozen(trial).state.is_finished():
            raise UpdateFinishedTrialError
        return fmean(scores)


def _train_when_free(cfg: DictConfig, watcher: PoorTrialStop) -> dict[str, float]:
    """Train, once the worker whose trial this has been has noticed that it is its no more."""
    is_told = False
    while True:
        try:
            return train(cfg, [watcher])
        except BusyFolderError as error:
            if not is_told:
                print(f"trial {watcher.trial.number} waits: {error}", file=sys.stderr, flush=True)
            is_told = True
            time.sleep(cfg.search.heartbeat)


def _frozen(trial: Trial) -> FrozenTrial:
    """A trial as all workers see it."""
    return trial.study.get_trials(deepcopy=False)[trial.number]


def folder_of(trial: FrozenTrial) -> str:
    """Name of a trial's folder; a trial that takes up a dead worker's goes on in that one's."""
    first = RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
    return f"trial{trial.number if first is None else first:04}"
