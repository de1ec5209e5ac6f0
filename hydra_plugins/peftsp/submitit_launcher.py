"""Runs as jobs of Slurm, or as processes of their own on this machine, through submitit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from peftsp.sweep.job import failed, import_path, jobs_of


class SubmititLauncher(Launcher):
    """Hands all runs to submitit at once and waits until each has ended.

    A run that is killed does not end the wait for the others.

    Args:
        cluster: ``slurm``; ``local`` for processes on this machine, all at the same time.
        folder: Of submitit's logs and pickled calls, which only submitit reads.
        max_num_timeout: How often a job that reaches its time limit is requeued.
        **parameters: As ``submitit.AutoExecutor.update_parameters`` takes them; None leaves
            submitit's default.
    """

    def __init__(self, cluster: str, folder: str, max_num_timeout: int, **parameters: Any) -> None:
        self.cluster = cluster
        self.folder = folder
        self.max_num_timeout = max_num_timeout
        self.parameters = {name: value for name, value in parameters.items() if value is not None}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """Submit as one array and wait.

        Args:
            job_overrides: Of each run.
            initial_job_idx: Number of the first.
        """
        import submitit

        from peftsp.runs.credentials import without_credentials

        timeouts = {f"{self.cluster}_max_num_timeout": self.max_num_timeout}
        executor = submitit.AutoExecutor(self.folder, cluster=self.cluster, **timeouts)
        executor.update_parameters(**self.parameters)
        # Both kinds of job inherit the environment.
        os.environ["PYTHONPATH"] = import_path()
        calls = jobs_of(
            self.hydra_context, self.config, self.task_function, job_overrides, initial_job_idx
        )
        with executor.batch():
            jobs = [executor.submit(call) for call in calls]
        for job, overrides in zip(jobs, job_overrides, strict=True):
            told = without_credentials(" ".join(overrides))
            print(f"job {job.job_id}, log {job.paths.stderr}: {told}", flush=True)
        results = []
        for call, job in zip(calls, jobs, strict=True):
            try:
                # Of its tasks, which train together, the first one's.
                results.append(job.results()[0])
            except Exception as error:
                results.append(failed(call, RuntimeError(f"job {job.job_id}: {_short(error)}")))
        return results


def _short(error: Exception) -> str:
    """The message without the job's log, which submitit quotes in further lines."""
    return str(error).partition("\n")[0] or type(error).__name__
