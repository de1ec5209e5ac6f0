"""Tune and cross-validate PEFT methods on the same budget; a second call goes on with the first.

python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS
python experiments/peft_leaderboard/study.py --checkpoint WEIGHTS --only lora ia3 -- trainer=gpu

For each method and each test partition, which stays unseen, a search over learning rates and one
size on the validation partition of one fold; the best settings then train the two folds of that
test partition. The methods with the best validation scores, and LoRA, are trained with further
seeds. Settings behind -- are handed on to every search and run.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

HERE = Path(__file__).parent
HEAD_RATE = (0.003, 0.03)
"""Of head and CRF, where a method's own rate is in the middle of its bounds."""

SEARCH = [
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=0.5",
    "trainer.limit_val_batches=1.0",
    "callbacks.best.monitor=val/score",
]
PARTITIONS = range(3)
WORKERS = 3
"""Of a search on a cluster."""


def main() -> int:
    """Run the command."""
    options = _parser().parse_args()
    methods = yaml.safe_load((HERE / "methods.yaml").read_text())
    unknown = set(options.only) - set(methods)
    if unknown:
        sys.exit(f"--only: expected some of {', '.join(methods)}, found {', '.join(unknown)}")
    study = Study(options)
    names = options.only or list(methods)
    for name in names:
        for partition in PARTITIONS:
            study.tune(name, methods[name], partition)
            study.train(name, methods[name], partition, options.seeds[:1])
    for name in study.best(names, options.best) if options.seeds[1:] else []:
        for partition in PARTITIONS:
            study.train(name, methods[name], partition, options.seeds[1:])
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
    add("--trials", type=int, default=6, help="of each search (default: %(default)s)")
    add("--epochs", type=int, default=2, help="of each run (default: %(default)s)")
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="the first for all methods")
    add("--best", type=int, default=4, help="methods that get all seeds (default: %(default)s)")
    add("--runs", default="runs", help="folder of all runs (default: %(default)s)")
    add("further", nargs="*", metavar="-- SETTING", help="for every search and run")
    return parser


class Study:
    """Searches and runs as commands, and what they leave.

    Args:
        options: Those of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.name = f"peft_leaderboard-{options.backbone}-{options.data}"
        self.failed: list[str] = []

    def tune(self, name: str, method: dict[str, Any], partition: int) -> None:
        """Search on the validation partition of a fold that tests a partition, without the test."""
        low, high = method["rate"]
        middle = (low * high) ** 0.5
        head = {"low": HEAD_RATE[0] / middle, "high": HEAD_RATE[1] / middle, "log": "true"}
        rate = {"low": low, "high": high, "log": "true"}
        space = [f"optimizer.lr:{_listed(rate)}", f"learning_rate.head_factor:{_listed(head)}"]
        for key, bounds in method["size"].items():
            own = bounds if isinstance(bounds, dict) else {"values": bounds}
            space.append(f"{key}:{_listed(own)}")
        self._run(
            [
                *("-m", "peftsp.search", *self._common(name, method)),
                f"experiment_name={self._search(name, partition)}",
                *("~search.space", f"+search.space={{{','.join(space)}}}"),
                *(f"search.folds=[{2 * partition}]", f"search.trials={self.options.trials}"),
                *SEARCH,
                *self.options.further,
                *(["-m", f"search.worker=range({WORKERS})"] if self._is_on_cluster else []),
            ]
        )

    def train(
        self, name: str, method: dict[str, Any], partition: int, seeds: Sequence[int]
    ) -> None:
        """Train and test the two folds that test a partition, with its best settings."""
        best = self._best_trial(name, partition)
        if best is None:
            self.failed.append(f"{name}, partition {partition}: no trial has ended")
            return
        known = {"trial", "folder", "state", "value", "error"}
        tuned = [f"{key}={value or 'null'}" for key, value in best.items() if key not in known]
        self._run(
            [
                *("train.py", "-m", *self._common(name, method)),
                f"experiment_name={self.name}/{name}",
                *tuned,
                f"data.fold={2 * partition},{2 * partition + 1}",
                f"seed={','.join(map(str, seeds))}",
                f"trainer.max_epochs={self.options.epochs}",
                *self.options.further,
            ]
        )

    def best(self, names: Sequence[str], count: int) -> list[str]:
        """Methods with the best validation scores of their searches, and LoRA."""
        scores = {}
        for name in names:
            trials = [self._best_trial(name, partition) for partition in PARTITIONS]
            if all(trials):
                scores[name] = fmean(float(trial["value"]) for trial in trials if trial)
        chosen = sorted(scores, key=scores.__getitem__, reverse=True)[:count]
        return chosen + [name for name in scores if name == "lora" and name not in chosen]

    @property
    def _is_on_cluster(self) -> bool:
        return any(setting.startswith("hydra/launcher=") for setting in self.options.further)

    def _common(self, name: str, method: dict[str, Any]) -> list[str]:
        checkpoint = "random" if name == "scratch" else self.options.checkpoint
        return [
            *("experiment=accurate", f"backbone={self.options.backbone}"),
            *(f"backbone.checkpoint={checkpoint}", f"data={self.options.data}"),
            *(f"peft={method.get('peft', name)}", f"paths.runs_dir={self.options.runs}"),
            *("~callbacks.compile", "callbacks.progress_bar=null"),
        ]

    def _search(self, name: str, partition: int) -> str:
        return f"{self.name}-searches/{name}-partition{partition}"

    def _best_trial(self, name: str, partition: int) -> dict[str, str] | None:
        path = Path(self.options.runs) / self._search(name, partition) / "trials.csv"
        if not path.is_file():
            return None
        with path.open(newline="") as file:
            ended = [row for row in csv.DictReader(file) if row["state"] == "complete"]
        return max(ended, key=lambda row: float(row["value"]), default=None)

    def _run(self, arguments: Sequence[str]) -> None:
        print("$ python", *arguments, flush=True)
        if subprocess.run([sys.executable, *arguments], check=False).returncode:
            self.failed.append(" ".join(arguments))


def _listed(bounds: dict[str, object]) -> str:
    return "{" + ",".join(f"{key}:{value}" for key, value in bounds.items()) + "}"


if __name__ == "__main__":
    sys.exit(main())
