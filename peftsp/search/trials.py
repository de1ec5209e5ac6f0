"""What a search leaves to read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from omegaconf import OmegaConf
from optuna import Study
from optuna.trial import TrialState

from peftsp.durable import whole_file
from peftsp.search.objective import ERROR, folder_of

TRIALS_FILE = "trials.csv"
BEST_FILE = "best.yaml"


def lock_beside(path: Path) -> FileLock:
    """A lock for a file that several workers write; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def write_trials(study: Study, path: Path) -> None:
    """Write a row for each trial; the file appears complete or not at all.

    Workers that end at the same time wait for each other.
    """
    trials = study.get_trials(deepcopy=False)
    names = sorted({name for trial in trials for name in trial.params})
    with (
        lock_beside(path),
        whole_file(path) as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trial", "folder", "state", "value", *names, "error"])
        for trial in trials:
            value = trial.value if trial.state == TrialState.COMPLETE else None
            cells = [trial.params.get(name) for name in names]
            known = (trial.number, folder_of(trial), trial.state.name.lower(), value)
            writer.writerow([*known, *cells, trial.user_attrs.get(ERROR)])


def write_best(method: str, settings: Sequence[str], path: Path, about: str) -> None:
    """Write settings as an experiment for ``conf/experiment``.

    Args:
        method: As on the command line, ``peft=NAME``.
        settings: The same, all others.
        path: The YAML file.
        about: How they were found, for the first line.
    """
    group, _, name = method.partition("=")
    whole = {"defaults": [{f"override /{group}": name}, "_self_"]}
    text = OmegaConf.to_yaml(OmegaConf.merge(whole, OmegaConf.from_dotlist(list(settings))))
    with lock_beside(path), whole_file(path) as partial:
        partial.write_text(
            f"# @package _global_\n# {about}\n{text}", encoding="utf-8", newline="\n"
        )
