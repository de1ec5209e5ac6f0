"""A run of a sweep as something that another process can call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

ROOT = Path(__file__).resolve().parents[2]
"""Where ``peftsp`` and ``hydra_plugins`` are imported from."""


@dataclass(frozen=True)
class Job:
    """One run, to be called in a process of its own.

    Attributes:
        hydra_context: As Hydra gives it to a launcher.
        config: The sweep's configuration.
        task_function: Gets the configuration of the run.
        overrides: Of the configuration, for this run.
        number: Of the run in the sweep, 0-based.
        singletons: State of Hydra in the process that launches.
        folder: Working folder of the process that launches.
    """

    hydra_context: HydraContext
    config: DictConfig
    task_function: TaskFunction
    overrides: list[str]
    number: int
    singletons: dict[Any, Any]
    folder: str

    def __call__(self) -> JobReturn:
        """Run; an error of the task function is in what is returned."""
        os.chdir(self.folder)
        Singleton.set_state(self.singletons)
        setup_globals()
        config = self.hydra_context.config_loader.load_sweep_config(self.config, self.overrides)
        with open_dict(config):
            config.hydra.job.id = str(self.number)
            config.hydra.job.num = self.number
        return run_job(
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )

    def checkpoint(self) -> Any:
        """What submitit is to call when the job is requeued: the same, which then resumes."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def jobs_of(
    hydra_context: HydraContext,
    config: DictConfig,
    task_function: TaskFunction,
    overrides: Sequence[Sequence[str]],
    first: int,
) -> list[Job]:
    """A job for each list of overrides, numbered from ``first``."""
    state, folder = Singleton.get_state(), str(Path.cwd())
    return [
        Job(hydra_context, config, task_function, list(run), first + index, state, folder)
        for index, run in enumerate(overrides)
    ]


def import_path() -> str:
    """A PYTHONPATH with which another process imports the same code."""
    known = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([str(ROOT), *filter(None, known.split(os.pathsep))])


def failed(job: Job, error: BaseException) -> JobReturn:
    """The result of a job whose process has ended without one."""
    result = JobReturn(overrides=job.overrides, status=JobStatus.FAILED)
    result.return_value = error
    return result
