"""Tune and cross-validate PEFT methods on the same budget; a second call goes on with the first.

python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS
python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS --only lora ia3 -- trainer=gpu

Each method is trained with the same number of settings, on each of the three partitions. Of the two
partitions that a training has not seen, each in turn chooses the best settings for testing on the
other: six folds. The methods with the best validation scores, and LoRA, are trained with further
seeds. Settings behind -- are handed on to every training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import yaml
from trials import (
    METHODS,
    TRAINED,
    chosen,
    is_complete,
    is_trained,
    predict_folds,
    read_tested,
    trained_fold,
    trial_of,
    trial_settings,
    validation_score,
)

from peftsp.data.download import SignalP6File
from peftsp.settings_folder import CONF


def main() -> int:
    """Run the command."""
    options = _parser().parse_args()
    unknown = set(options.only) - set(METHODS)
    if unknown:
        sys.exit(f"--only: expected some of {', '.join(METHODS)}, found {', '.join(unknown)}")
    study = Study(options)
    names = options.only or list(METHODS)
    for name in names:
        for trial in range(options.trials):
            study.train(name, trial, TRAINED, options.seeds[:1])
        study.test(name)
    for name in study.best(names, options.best) if options.seeds[1:] else []:
        for trial, folds in study.chosen_trainings(name).items():
            study.train(name, trial, folds, options.seeds[1:])
        study.test(name)
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
    add("further", nargs="*", metavar="-- SETTING", help="for every training")
    return parser


class Study:
    """Trainings as commands, and what they leave.

    Args:
        options: Those of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.name = f"peft_leaderboard-{options.backbone}-{options.data}"
        self.failed: list[str] = []

    def train(self, name: str, trial: int, folds: Sequence[int], seeds: Sequence[int]) -> None:
        """Train one of a method's trials, where that has not been done."""
        options, method = self.options, METHODS[name]
        choices = {
            "experiment": "accurate",
            "backbone": options.backbone,
            "data": options.data,
            "peft": method.get("peft", name),
        }
        settings = {
            "backbone.checkpoint": "random" if name == "scratch" else options.checkpoint,
            "experiment_name": f"{self.name}/{name}",
            "variant": f"-trial{trial}",
            "trainer.max_epochs": options.epochs,
            **trial_settings(method, trial, options.trials),
        }
        runs = options.runs / self.name / name
        start = f"{options.backbone}-{choices['peft']}-{options.data}-trial{trial}"

        def is_pending(fold: int) -> bool:
            names = [f"{start}-fold{fold}-seed{seed}" for seed in seeds]
            return not all(is_trained(runs / name, settings) for name in names)

        pending = [fold for fold in folds if is_pending(fold)]
        if not pending:
            return
        swept = {"data.fold": ",".join(map(str, pending)), "seed": ",".join(map(str, seeds))}
        elsewhere = {"paths.runs_dir": options.runs, "callbacks.progress_bar": None, "test": False}
        every = choices | settings | swept | elsewhere
        given = [f"{k}={'null' if value is None else value}" for k, value in every.items()]
        self._run(["train.py", "-m", *given, *options.further])

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

    def chosen_trainings(self, name: str) -> dict[int, list[int]]:
        """Trials that a fold of a method takes, with the folds that are to be trained for it."""
        found: dict[int, list[int]] = {}
        for run in chosen(read_tested(self._tested(name))):
            fold, folds = trained_fold(run.record.fold), found.setdefault(trial_of(run), [])
            if fold not in folds:
                folds.append(fold)
        return found

    def _tested(self, name: str) -> Path:
        return self.options.runs / f"{self.name}-tested" / name

    def _run(self, arguments: Sequence[str]) -> None:
        print("$ python", *arguments, flush=True)
        if subprocess.run([sys.executable, *arguments], check=False).returncode:
            self.failed.append(" ".join(arguments))


if __name__ == "__main__":
    sys.exit(main())
