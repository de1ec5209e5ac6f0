"""The training command."""

from __future__ import annotations

import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities.exceptions import SIGTERMException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hydra_plugins.peftsp import register
from peftsp import __version__
from peftsp.command_line import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_TERMINATED
from peftsp.errors import ConfigError, PeftspError
from peftsp.runs.credentials import without_credentials
from peftsp.runs.folder import ERROR_LOG
from peftsp.settings_folder import CONF
from peftsp.training.outside_methods import name_outside_methods
from peftsp.training.run import train
from peftsp.training.start_settings import fill_in

_MENDABLE = (
    PeftspError,
    OSError,
    HydraException,
    OmegaConfBaseException,
    MisconfigurationException,
)

_GOING_ON = " with ckpt_path=last"


def main() -> None:
    """Train as the command line says; what a user can mend ends with one line and status 2."""
    run_with_hydra("train", _task)


def run_with_hydra(config_name: str, task: Callable[[DictConfig], object]) -> None:
    """Call a function with the configuration that the command line asks for.

    Args:
        config_name: Of a file in `CONF`.
        task: Called for the one run, or for each of a sweep.
    """
    if "--version" in sys.argv[1:]:  # Hydra would tell its own
        print(f"peftsp {__version__}")
        return
    # Hydra then raises its errors instead of printing several lines and exiting with status 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register()
    command = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(task)
    with one_line_errors():
        sys.argv[1:] = completed(sys.argv[1:])
        command()


def completed(arguments: Sequence[str]) -> list[str]:
    """A command with the settings that it implies: of a trained model, of a method from outside.

    Args:
        arguments: As on the command line, without the program's name.

    Raises:
        PeftspError: There is no such model, method or choice.
    """
    _check_choices(arguments)
    return fill_in(name_outside_methods(arguments))


def _check_choices(arguments: Sequence[str]) -> None:
    """Hydra says nothing of which group has no choice."""
    for name, _, choice in (argument.partition("=") for argument in arguments):
        if choice == "null" and (CONF / name).is_dir():
            known = ", ".join(sorted(path.stem for path in (CONF / name).glob("*.yaml")))
            raise ConfigError(f"{name}: expected one of {known}, found null")


def _task(cfg: DictConfig) -> float:
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return _run_of_sweep(cfg)
    # Hydra would print a line of its own about an error that leaves this function.
    with one_line_errors():
        return _optimized(cfg)


def _optimized(cfg: DictConfig) -> float:
    metrics = train(cfg)
    if cfg.optimized_metric is None:
        return metrics.get("test/score" if cfg.test else "val/score", math.nan)
    if cfg.optimized_metric not in metrics:
        raise ConfigError(
            f"optimized_metric: expected one of {', '.join(sorted(metrics))}, "
            f"found {cfg.optimized_metric}"
        )
    return metrics[cfg.optimized_metric]


def _run_of_sweep(cfg: DictConfig) -> float:
    """Train, and leave an error where the sweep finds it, so that other runs go on."""
    log = Path(cfg.paths.output_dir) / ERROR_LOG
    log.unlink(missing_ok=True)
    try:
        return _optimized(cfg)
    except SIGTERMException:
        print(f"{cfg.name}: stopped by SIGTERM; the same sweep goes on with it", file=sys.stderr)
        sys.exit(EXIT_TERMINATED)
    except Exception as error:
        line = _one_line(error)
        trace = without_credentials(traceback.format_exc())
        print(f"error: {cfg.name}: {line}", file=sys.stderr)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{line}\n\n{trace}", encoding="utf-8", newline="\n")
        # Not every error can be sent from the process of a run to that of the sweep.
        raise PeftspError(line) from None


@contextmanager
def one_line_errors(going_on: str = _GOING_ON) -> Iterator[None]:
    """End with one line and status 2 on what a user can mend, 143 on SIGTERM, 130 on Ctrl-C.

    Args:
        going_on: What the same command needs beside it to go on.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted; the same command{going_on} goes on", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except SIGTERMException:
        print(f"stopped by SIGTERM; the same command{going_on} goes on", file=sys.stderr)
        sys.exit(EXIT_TERMINATED)
    except _MENDABLE as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)


def _one_line(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, PeftspError):
        cause = cause.__cause__
    # Some errors say nothing but by what they came from.
    said = str(cause or error) or str(error.__cause__ or "") or type(error).__name__
    return str(without_credentials(" ".join(said.split())))


if __name__ == "__main__":
    main()
