"""The search command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from peftsp.errors import ConfigError
from peftsp.runs.identity import DOES_NOT_COUNT, flatten, what_counts
from peftsp.search.checks import check_devices, check_folds, check_metric
from peftsp.training.build import read_contents, settings_of, standalone
from peftsp.training.cli import one_line_errors, run_with_hydra
from peftsp.training.settings import check_settings
from peftsp.training.start_settings import as_value

if TYPE_CHECKING:
    from optuna import Study

_FORCED = ("test=false", "ckpt_path=last")
_OF_THE_SEARCH = ("search.", "hparams_search=", "experiment_name=")
_EXIT_NO_TRIAL = 1


def main() -> None:
    """Search as the command line says; what a user can mend ends with one line and status 2."""
    run_with_hydra("search", _task)


def _task(cfg: DictConfig) -> None:
    with one_line_errors(going_on=""):
        search(cfg)


def search(cfg: DictConfig) -> None:
    """Work on the study of a configuration, then write its table and the best settings.

    Args:
        cfg: As composed from ``conf/search.yaml``, while Hydra's context lasts.

    Raises:
        PeftspError: A setting, a file or the data is wrong.
    """
    try:
        from peftsp.search.objective import ValidationScore
        from peftsp.search.space import distributions_of
        from peftsp.search.study import check_same, check_space, open_study, work
        from peftsp.search.trials import TRIALS_FILE, write_trials
    except ImportError as error:
        raise ConfigError(f"search: expected Optuna, pip install optuna ({error})") from error

    check_settings(cfg)
    if cfg.search is None:
        raise ConfigError("search: expected a group of settings, found null")
    check_devices(cfg)
    check_folds(cfg)
    check_metric(cfg)
    distributions = distributions_of(cfg.search.space, instantiate(cfg.backbone.spec).layers)
    study = open_study(cfg)
    check_space(study, distributions)
    check_same(study, _what_counts(cfg), set(distributions))
    given = _given()

    def compose(overrides: Sequence[str]) -> DictConfig:
        return _compose([*given, *overrides, *_FORCED])

    objective = ValidationScore(compose, distributions, list(cfg.search.folds))
    folder = Path(cfg.paths.runs_dir) / cfg.experiment_name
    try:
        work(study, objective, cfg.search.trials)
    finally:
        write_trials(study, folder / TRIALS_FILE)
    _tell_best(cfg, study, folder, compose)


def _tell_best(
    cfg: DictConfig, study: Study, folder: Path, compose: Callable[[Sequence[str]], DictConfig]
) -> None:
    """Write and print the best settings, and the command that tests them."""
    from optuna.trial import TrialState

    from peftsp.search.space import as_override
    from peftsp.search.study import count_ended
    from peftsp.search.trials import BEST_FILE, TRIALS_FILE, write_best

    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    ended = count_ended(study)
    print(f"{ended} trials ended, {len(complete)} with a value: {folder / TRIALS_FILE}")
    if not complete:
        print("error: search: no trial came to its end", file=sys.stderr)
        sys.exit(_EXIT_NO_TRIAL)
    about = f"{cfg.optimized_metric} {study.best_value:.4f}, validation of folds {cfg.search.folds}"
    method = f"peft={HydraConfig.get().runtime.choices['peft']}"
    given = [o for o in _given() if not o.lstrip("+~").startswith(_OF_THE_SEARCH)]
    given += [] if method in given else [method]
    tried = {key: as_override(key, value) for key, value in study.best_trial.params.items()}
    plain = standalone(hydra.compose("train", given, return_hydra_config=True))
    beside = _differing(plain, compose([*tried.values()]))
    best = {key: as_override(key, value) for key, value in beside.items()} | tried
    settings = [best[key] for key in sorted(best)]
    write_best(method, settings, folder / BEST_FILE, about)
    print(f"best: {about}: {folder / BEST_FILE}")
    fold = f"data.fold={','.join(map(str, cfg.search.folds))}"
    name = f"experiment_name={cfg.experiment_name}_best"
    print(f"python train.py -m {shlex.join([name, *given, *settings, fold])}")


def _given() -> list[str]:
    """What the command line sets, and where it says that choices lie."""
    overrides = HydraConfig.get().overrides
    places = [one for one in overrides.hydra if one.startswith("hydra.searchpath=")]
    return [*places, *overrides.task]


def _differing(plain: DictConfig, found: DictConfig) -> dict[str, Any]:
    """What a trial has otherwise than the command alone: what it tries, and where prompts are."""
    before, now = (flatten(settings_of(cfg), DOES_NOT_COUNT | {"test"}) for cfg in (plain, found))
    return {
        name: as_value(value) if isinstance(value, list) else value
        for name, value in now.items()
        if name in before and value != before[name]
    }


def _what_counts(cfg: DictConfig) -> dict[str, Any]:
    """All that decides the value of a trial beside what it tries, by dotted name."""
    counts = what_counts(settings_of(cfg), read_contents(cfg))
    del counts["data.fold"]
    searched = {"search.folds": list(cfg.search.folds), "optimized_metric": cfg.optimized_metric}
    return counts | searched


def _compose(overrides: Sequence[str]) -> DictConfig:
    return standalone(hydra.compose("search", list(overrides), return_hydra_config=True))
