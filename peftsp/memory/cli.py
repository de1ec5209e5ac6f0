"""The memory command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, ListConfig

from peftsp import __version__
from peftsp.errors import ConfigError
from peftsp.memory.estimate import estimate_memory
from peftsp.memory.table import format_estimate
from peftsp.settings_folder import CONF
from peftsp.training.build import standalone
from peftsp.training.cli import completed, one_line_errors
from peftsp.training.settings import check_settings

_HELP = """\
How much GPU memory a training run will need; takes the settings of train.py.

  python -m peftsp.memory backbone=esm2_3b peft=lora trainer=gpu
  python -m peftsp.memory experiment=qlora_15b trainer.devices=4

Nothing is loaded, trained or written: the step is gone through without weights.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the estimate; what a user can mend ends with one line and status 2."""
    overrides = sys.argv[1:] if arguments is None else list(arguments)
    if {"-h", "--help"} & set(overrides):
        print(_HELP, end="")
        return
    if "--version" in overrides:
        print(f"peftsp {__version__}")
        return
    with one_line_errors():
        option = next((text for text in overrides if text.startswith("-")), None)
        if option is not None:
            raise ConfigError(
                f"{option}: expected settings of one run such as backbone=esm2_3b, found an option"
            )
        with initialize_config_dir(str(CONF), version_base="1.3"):
            given = completed(overrides)
            cfg = standalone(compose("train", given, return_hydra_config=True))
        check_settings(cfg)
        if cfg.data.batch_size < 1:
            raise ConfigError(f"data.batch_size: expected 1 or more, found {cfg.data.batch_size}")
        print(format_estimate(estimate_memory(cfg), _devices(cfg)))


def _devices(cfg: DictConfig) -> int:
    """As many as the settings say, or two to show what they would bring."""
    devices = cfg.trainer.devices
    if isinstance(devices, int) and (devices > 0 or devices == -1):
        return devices if devices > 1 else 2
    if devices == "auto" or isinstance(devices, ListConfig):
        return 2
    raise ConfigError(f"trainer.devices: expected auto or 1 or more, found {devices!r}")
