"""Tune and cross-validate PEFT methods on the same budget; a second call goes on with the first.

python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS
python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS --only lora ia3 -- trainer=gpu

Each method is trained with the same number of settings, on each of the three partitions. Of the two
partitions that a training has not seen, each in turn chooses the best settings for testing on the
other: six folds. The methods with the best validation scores, and LoRA, are trained with further
seeds. With --tuned-by each fold takes the trial that validates best in the study of another data
set, one of fewer proteins in the same partitions, and no other is trained. Settings behind -- are
handed on to every training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

import yaml
from hydra import compose, initialize_config_dir
from trials import (
    METHODS,
    TRAINED,
    chosen,
    chosen_trials,
    is_complete,
    is_done,
    predict_folds,
    read_tested,
    test_folders,
    trained_fold,
    trial_settings,
    validation_score,
)

from peftsp.data.download import SignalP6File
from peftsp.runs.results import Run
from peftsp.settings_folder import CONF
from peftsp.training.build import KnownContents, standalone


def main() -> int:
    """Run the command."""
    parser = _parser()
    options = parser.parse_args()
    unknown = set(options.only) - set(METHODS)
    if unknown:
        known = ", ".join(METHODS)
        parser.error(f"--only: expected some of {known}, found {', '.join(sorted(unknown))}")
    study = Study(options)
    names = options.only or list(METHODS)
    if options.tuned_by:
        for name in names:
            study.train_chosen(name, options.tuned_by, options.seeds)
    else:
        for name in names:
            study.train_all(name)
        for name in study.best(names, options.best) if options.seeds[1:] else []:
            study.train_chosen(name, options.data, options.seeds[1:])
    for line in study.failed:
        print(f"failed: {line}", file=sys.stderr)
    return bool(study.failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--checkpoint", required=True, help="weights of the backbone")
    add("--backbone", default="esm2_8m")
    add("--data", default="signalp6", help="or signalp6_small10 and others (default: %(default)s)")
    add("--only", nargs="+", default=[], metavar="METHOD", help="of methods.yaml (default: all)")
    add("--trials", type=int, default=4, help="settings of a method (default: %(default)s)")
    add("--epochs", type=int, default=2, help="of each training (default: %(default)s)")
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="the first for all methods")
    add("--best", type=int, default=4, help="methods that get all seeds (default: %(default)s)")
    add("--runs", type=Path, default=Path("runs"), help="folder of all runs (default: %(default)s)")
    add("--tuned-by", metavar="DATA", help="whose study chooses the trials (default: this one)")
    add("further", nargs="*", metavar="-- SETTING", help="for every training")
    return parser


class Study:
    """Trainings as commands, and what they leave.

    Args:
        options: Those of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.name = self._name_of(options.data)
        self.failed: list[str] = []
        self._read_contents = KnownContents()

    def _name_of(self, data: str) -> str:
        return f"peft_leaderboard-{self.options.backbone}-{data}"

    def train_all(self, name: str) -> None:
        """Train and test each trial of a method on each partition, with the first seed."""
        for trial in range(self.options.trials):
            self.train(name, trial, TRAINED, self.options.seeds[:1])
        self.test(name)

    def train_chosen(self, name: str, data: str, seeds: Sequence[int]) -> None:
        """Train and test the trials of a method that its folds take.

        Args:
            name: Of the method.
            data: Whose study chooses.
            seeds: Of the trainings.
        """
        tests = read_tested(self._tested(name, data))
        if not is_complete(tests):
            self.failed.append(f"{name}: expected all trials of {self._name_of(data)}, found fewer")
            return
        for trial, folds in trainings_of(tests).items():
            self.train(name, trial, folds, seeds)
        self.test(name)

    def train(self, name: str, trial: int, folds: Sequence[int], seeds: Sequence[int]) -> None:
        """Train one of a method's trials, where that has not been done."""
        options, method = self.options, METHODS[name]
        settings = {
            "experiment": "accurate",
            "backbone": options.backbone,
            "data": options.data,
            "peft": method.get("peft", name),
            "backbone.checkpoint": "random" if name == "scratch" else options.checkpoint,
            "experiment_name": f"{self.name}/{name}",
            "variant": f"-trial{trial}",
            "trainer.max_epochs": options.epochs,
            **trial_settings(method, trial, options.trials),
            "paths.runs_dir": options.runs,
            "callbacks.progress_bar": None,
            "test": False,
        }
        given = [f"{k}={'null' if value is None else value}" for k, value in settings.items()]
        given += options.further
        pending = [
            (fold, seed)
            for fold, seed in product(folds, seeds)
            if not self._is_done([*given, f"data.fold={fold}", f"seed={seed}"], name, trial)
        ]
        for seed in seeds:
            left = ",".join(str(fold) for fold, of in pending if of == seed)
            if left:
                self._run(["train.py", "-m", *given, f"data.fold={left}", f"seed={seed}"])

    def _is_done(self, overrides: Sequence[str], name: str, trial: int) -> bool:
        """Whether a run has been trained, or its tests are there, which are all that is needed."""
        overrides = [override for override in overrides if not override.startswith("hydra")]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            run = standalone(compose("train", overrides, return_hydra_config=True))
        tests = test_folders(self._tested(name), trial, run.data.fold, run.seed)
        known = self._read_contents
        is_trained = is_done(Path(run.paths.output_dir), run, known)
        return is_trained or all(is_done(test, run, known) for test in tests)

    def test(self, name: str) -> None:
        """Predict what each training of a method has not seen."""
        file = yaml.safe_load((CONF / "data" / f"{self.options.data}.yaml").read_text())["name"]
        records = SignalP6File(file, None).load()
        predict_folds(self.options.runs / self.name / name, self._tested(name), records)

    def best(self, names: Sequence[str], count: int) -> list[str]:
        """Methods with the best validation scores, and LoRA."""
        scores = {}
        for name in names:
            tests = read_tested(self._tested(name))
            if not is_complete(tests):
                continue
            first = min(run.record.seed for run in tests)
            own = [run for run in chosen(tests) if run.record.seed == first]
            scores[name] = fmean(validation_score(tests, run) for run in own)
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:count]
        return best + [name for name in scores if name == "lora" and name not in best]

    def _tested(self, name: str, data: str = "") -> Path:
        return self.options.runs / f"{self._name_of(data or self.options.data)}-tested" / name

    def _run(self, arguments: Sequence[str]) -> None:
        print("$ python", *arguments, flush=True)
        if subprocess.run([sys.executable, *arguments], check=False).returncode:
            self.failed.append(" ".join(arguments))


def trainings_of(tests: Sequence[Run]) -> dict[int, list[int]]:
    """Trials that a fold of a method takes, with the folds that are to be trained for it."""
    found: dict[int, list[int]] = {}
    for fold, trial in sorted(chosen_trials(tests).items()):
        folds = found.setdefault(trial, [])
        if trained_fold(fold) not in folds:
            folds.append(trained_fold(fold))
    return found


if __name__ == "__main__":
    sys.exit(main())
