"""The training command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.errors import HydraException
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities.exceptions import SIGTERMException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

import peftsp
from peftsp.errors import ConfigError, PeftspError
from peftsp.training.run import train

_PACKAGE = Path(peftsp.__file__).parent
CONF = next(c for c in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if c.is_dir())
"""The configuration: inside an installed package, beside it in a checkout."""

_MENDABLE = (
    PeftspError,
    OSError,
    HydraException,
    OmegaConfBaseException,
    MisconfigurationException,
)

EXIT_BAD_INPUT = 2
EXIT_TERMINATED = 128 + 15


def main() -> None:
    """Train as the command line says; what a user can mend ends with one line and status 2."""
    # Hydra then raises its errors instead of printing several lines and exiting with status 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    command = hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(_task)
    with _one_line_errors():
        command()


def _task(cfg: DictConfig) -> float:
    # Hydra would print a line of its own about an error that leaves this function.
    with _one_line_errors():
        metrics = train(cfg)
        if cfg.optimized_metric not in metrics:
            raise ConfigError(
                f"optimized_metric: expected one of {', '.join(sorted(metrics))}, "
                f"found {cfg.optimized_metric}"
            )
        return metrics[cfg.optimized_metric]


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except SIGTERMException:
        print("stopped by SIGTERM; the same command with ckpt_path=last goes on", file=sys.stderr)
        sys.exit(EXIT_TERMINATED)
    except _MENDABLE as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)


def _one_line(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, PeftspError):
        cause = cause.__cause__
    return " ".join(str(cause or error).split())


if __name__ == "__main__":
    main()
