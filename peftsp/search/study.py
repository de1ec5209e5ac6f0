"""One worker of a search: it takes trials from a shared study until there are enough."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import optuna
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from peftsp.errors import ConfigError
from peftsp.runs.credentials import without_credentials
from peftsp.runs.identity import first_difference
from peftsp.search.objective import ERROR, Interruption, TakenOver, TrialError, ValidationScore
from peftsp.search.trials import lock_beside

_RETRIES = 5
_SQLITE = "sqlite:///"
_COUNTS = "counts"
"""Attribute of a study: what it was begun with."""


def open_study(cfg: DictConfig) -> optuna.Study:
    """Make the study, or go on with it.

    Args:
        cfg: As composed from ``conf/search.yaml``.

    Raises:
        ConfigError: The storage cannot be used.
    """
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    logging.getLogger("optuna").setLevel(logging.ERROR)
    url = cfg.search.storage
    try:
        is_file = url.startswith(_SQLITE)
        # Workers that begin together would all make the tables.
        with lock_beside(Path(url.removeprefix(_SQLITE))) if is_file else nullcontext():
            storage = RDBStorage(
                url,
                heartbeat_interval=cfg.search.heartbeat,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(_RETRIES),
            )
            study = optuna.create_study(
                storage=storage,
                study_name=cfg.experiment_name,
                direction="minimize" if cfg.callbacks.best.mode == "min" else "maximize",
                load_if_exists=True,
            )
    except Exception as error:
        found = f"{url} ({type(error).__name__}: {error})"
        raise ConfigError(
            f"search.storage: expected a database that Optuna can use, "
            f"found {without_credentials(found)}"
        ) from error
    study.pruner = instantiate(cfg.search.pruner)
    # The same seed again after a resume would only repeat the first trials.
    seed = cfg.seed + 1000 * cfg.search.worker + len(study.get_trials(deepcopy=False))
    study.sampler = instantiate(cfg.search.sampler, seed=seed)
    return study


def check_space(study: optuna.Study, distributions: Mapping[str, BaseDistribution]) -> None:
    """Refuse to go on with a search that has tried a setting in a way Optuna cannot go on from.

    Other bounds are none, nor are settings that come in or drop out.

    Raises:
        ConfigError: A setting has other values, another kind, or is logarithmic where it was not.
    """
    for trial in study.get_trials(deepcopy=False):
        for key in trial.distributions.keys() & distributions.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], distributions[key])
            except ValueError as error:
                raise ConfigError(
                    f"search.space.{key}: expected {trial.distributions[key]} as the search "
                    f"{study.study_name} began with, found {distributions[key]}; "
                    f"another experiment_name begins another search"
                ) from error


def check_same(study: optuna.Study, counts: Mapping[str, Any], tried: set[str]) -> None:
    """Refuse to go on with a search of other settings or data; a new one gets to know its own.

    Args:
        study: As `open_study` gave it.
        counts: All that decides the value of a trial, by dotted name.
        tried: Names of what trials vary.

    Raises:
        ConfigError: Something differs that is not tried, now or before.
    """
    kept = study.user_attrs.get(_COUNTS)
    if kept is None:
        study.set_user_attr(_COUNTS, dict(counts))
        return
    tried = tried.union(*(trial.params for trial in study.get_trials(deepcopy=False)))
    before, now = ({k: v for k, v in of.items() if k not in tried} for of in (kept, counts))
    difference = first_difference(before, now)
    if difference is not None:
        name, was, found = difference
        raise ConfigError(
            f"{study.study_name}: expected the settings of the search found there, {name}={was}, "
            f"found {name}={found}; another experiment_name begins another search"
        )


def count_ended(study: optuna.Study) -> int:
    """Trials that have come to an end of their own: a value, pruned, or an error."""
    return sum(
        trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or ERROR in trial.user_attrs
        for trial in study.get_trials(deepcopy=False)
    )


def work(study: optuna.Study, objective: ValidationScore, trials: int) -> None:
    """Try until that many trials have ended, whoever ran them.

    Workers that end at the same time may go beyond by as many trials as there are workers.

    Raises:
        PeftspError: The configuration is wrong.
    """
    while count_ended(study) < trials:
        try:
            study.optimize(objective, n_trials=1, catch=(TrialError,))
        except Interruption:
            raise KeyboardInterrupt from None
        except TakenOver:
            print("another worker goes on with this trial, having heard nothing for too long")
        print(f"{count_ended(study)} of {trials} trials have ended", flush=True)
