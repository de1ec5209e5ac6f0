"""The workers of a search, started together."""

from __future__ import annotations

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class WorkerSweeper(BasicSweeper):
    """Hydra's own sweeper, whose ``multirun.yaml`` holds no credentials."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Give the launcher the configuration as it is, and keep the one that is written."""
        from peftsp.runs.credentials import without_credentials

        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        settings = OmegaConf.to_container(config, resolve=False)
        self.config = OmegaConf.create(without_credentials(settings))
