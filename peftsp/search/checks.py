"""What a search must not do, found out before it trains."""

from __future__ import annotations

from hydra.utils import instantiate
from omegaconf import DictConfig

from peftsp.errors import ConfigError
from peftsp.training.processes import count_processes


def check_metric(cfg: DictConfig) -> None:
    """Refuse a search for a score that no run keeps the best of.

    Raises:
        ConfigError: No callback chooses by it.
    """
    best = cfg.callbacks.get("best") or {}
    if best.get("monitor") != cfg.optimized_metric:
        raise ConfigError(
            f"callbacks.best.monitor: expected {cfg.optimized_metric} in a search for it, "
            f"found {best.get('monitor') or 'null'}"
        )


def check_devices(cfg: DictConfig) -> None:
    """Refuse trials of several processes, each of which would take a trial of its own.

    Raises:
        ConfigError: More than one device trains, or the machine decides how many.
    """
    if count_processes(cfg.trainer) != 1:
        raise ConfigError(
            f"trainer.devices: expected 1 in a search, whose workers train side by side, "
            f"found {cfg.trainer.get('devices')}"
        )


def check_folds(cfg: DictConfig) -> None:
    """Refuse a search that would see a test partition.

    Raises:
        ConfigError: Folds are missing or have different test partitions, a test partition is
            trained on, or a metric of the test partition is to be optimised.
    """
    if not str(cfg.optimized_metric).startswith("val/"):
        raise ConfigError(
            f"optimized_metric: expected val/… in a search, found {cfg.optimized_metric}"
        )
    if "test" in cfg.data.train_splits:
        raise ConfigError("data.train_splits: expected no test in a search, found test")
    folds = instantiate(cfg.data).folds()
    chosen = list(cfg.search.folds)
    if not chosen or not all(isinstance(k, int) and 0 <= k < len(folds) for k in chosen):
        raise ConfigError(f"search.folds: expected some of 0 to {len(folds) - 1}, found {chosen}")
    tests = {folds[k].test for k in chosen}
    if len(tests) > 1:
        inner = [[k for k, fold in enumerate(folds) if fold.test == t] for t in sorted(tests)]
        raise ConfigError(
            f"search.folds: expected folds with the same test partition, as "
            f"{' or '.join(map(str, inner))}, found {chosen}"
        )
