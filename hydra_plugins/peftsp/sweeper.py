"""A sweep that can be started again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

EXIT_SOME_FAILED = 1


class ResumingSweeper(Sweeper):
    """Runs every combination of the swept values that has not been finished yet.

    Args:
        max_batch_size: Runs handed to the launcher at a time; None for all.
        params: Overrides that hold where the command line has none for the same key.
    """

    def __init__(self, max_batch_size: int | None, params: dict[str, Any] | None) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives."""
        self.base: DictConfig = config
        self.loader: ConfigLoader = hydra_context.config_loader
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Launch what is not finished, tell how all ended, exit with status 1 unless all did.

        Raises:
            PeftspError: A run has a setting that nothing takes, runs cannot be told apart, or would
                go on with others.
            SystemExit: Some runs are not finished.
        """
        from peftsp.runs.folder import RunFolder
        from peftsp.sweep.outcome import State, outcome_of, summary
        from peftsp.sweep.plan import expand, plan
        from peftsp.training.build import KnownContents

        parser = OverridesParser.create(config_loader=self.loader)
        given = parser.parse_overrides(arguments)
        keys = {override.get_key_element().lstrip("+") for override in given}
        defaults = [f"{key}={value}" for key, value in self.params.items() if key not in keys]
        runs = plan(
            expand(given + parser.parse_overrides(defaults)), self._compose, KnownContents()
        )
        Path(self.base.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        waiting = [run for run in runs if not run.is_finished]
        for folder in (RunFolder(run.folder) for run in waiting if run.starts_over):
            with folder.locked():
                folder.clear()
        print(f"{len(runs)} runs, {len(runs) - len(waiting)} of them finished before")
        size = self.max_batch_size or max(len(waiting), 1)
        reported: dict[Path, str] = {}
        returns = []
        for first in range(0, len(waiting), size):
            batch = waiting[first : first + size]
            overrides = [list(run.overrides) for run in batch]
            try:
                results = self.launcher.launch(overrides, initial_job_idx=first)
            except Exception as error:
                print(f"error: launcher: {type(error).__name__}: {error}", file=sys.stderr)
                continue
            returns.append(results)
            reported |= {r.folder: _error(result) for r, result in zip(batch, results, strict=True)}
        outcomes = [outcome_of(run, reported.get(run.folder, "")) for run in runs]
        print(summary(outcomes))
        if any(outcome.state != State.FINISHED for outcome in outcomes):
            sys.exit(EXIT_SOME_FAILED)
        return returns

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        from peftsp.training.build import standalone
        from peftsp.training.settings import check_settings

        cfg = standalone(self.loader.load_sweep_config(self.base, list(overrides)))
        check_settings(cfg)
        self._check_processes(cfg.trainer)
        return cfg

    def _check_processes(self, trainer: DictConfig) -> None:
        """Lightning would start the sweep's own command again for each further process."""
        from peftsp.errors import ConfigError
        from peftsp.training.processes import count_processes

        launcher, devices = self.base.hydra.launcher, trainer.get("devices")
        tasks = (launcher.get("tasks_per_node") or 1) * (launcher.get("nodes") or 1)
        if count_processes(trainer) != tasks:
            raise ConfigError(
                f"trainer.devices: expected {tasks} in a sweep, found {devices}: several need "
                "hydra/launcher=submitit_slurm with as many hydra.launcher.tasks_per_node"
            )


def _error(result: JobReturn) -> str:
    """What a failed run raised; Hydra prints a hint when it is asked, which is left out."""
    if result.status != JobStatus.FAILED:
        return ""
    with redirect_stderr(StringIO()):
        try:
            return str(result.return_value)
        except Exception as error:
            return str(error) or type(error).__name__
