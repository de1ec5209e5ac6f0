"""Runs as tasks of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from peftsp.sweep.job import Job, failed, import_path, jobs_of


class RayLauncher(Launcher):
    """Hands all runs to Ray, which starts as many at a time as there is room for.

    All machines of the cluster need the folder that the sweep was started in, under the same path.

    Args:
        init: As ``ray.init`` takes it; without an address a cluster of this machine is started.
        remote: What a run needs, as ``ray.remote`` takes it.
    """

    def __init__(self, init: DictConfig, remote: DictConfig) -> None:
        self.init: Any = OmegaConf.to_container(init, resolve=True)
        self.remote: Any = OmegaConf.to_container(remote, resolve=True)

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """Submit and wait.

        Args:
            job_overrides: Of each run.
            initial_job_idx: Number of the first.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        jobs = jobs_of(
            self.hydra_context, self.config, self.task_function, job_overrides, initial_job_idx
        )
        environment = {"env_vars": {"PYTHONPATH": import_path()}}
        ray.init(**{"runtime_env": environment, **self.init})
        try:
            # A process for each run gives its memory back, that of the GPU too.
            call = ray.remote(**{"max_calls": 1, **self.remote})(Job.__call__)
            waiting = [call.remote(job) for job in jobs]
            return [_result(job, ticket) for job, ticket in zip(jobs, waiting, strict=True)]
        finally:
            ray.shutdown()


def _result(job: Job, ticket: Any) -> JobReturn:
    import ray

    try:
        result: JobReturn = ray.get(ticket)
    except ray.exceptions.RayError as error:
        return failed(job, RuntimeError(f"Ray: {str(error) or type(error).__name__}"))
    return result
