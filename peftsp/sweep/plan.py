"""The runs that a sweep asks for: their settings, and their folders told apart."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from peftsp.errors import ConfigError
from peftsp.training.run_folder import has_begun

NAMED = frozenset({"backbone", "peft", "data", "data.fold", "seed", "experiment"})
"""What a run's name tells by itself."""

_INCIDENTAL = re.compile(
    r"ckpt_path|overwrite|optimized_metric|(paths|logger|callbacks\.progress_bar)(\..*)?"
    r"|trainer\.(accelerator|devices|enable_.*|log_every_n_steps)"
    r"|data\.(dir|path|num_workers)|backbone\.checkpoint"
)
"""Settings that may differ when a run is gone on with: they do not change its result."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        overrides: Of the configuration, as on the command line.
        folder: The run's.
    """

    overrides: tuple[str, ...]
    folder: Path


def expand(overrides: Sequence[Override]) -> list[tuple[str, ...]]:
    """Overrides of each run, in the order of the command line, the last sweep varying fastest.

    Each run goes on from its last resume point, unless ``ckpt_path`` or ``overwrite`` is given,
    and has what is swept beyond `NAMED` in its name.

    Args:
        overrides: As the command line gives them; of two for the same key the later holds.

    Raises:
        ConfigError: A sweep is over a range without steps, which has no end.
    """
    choices: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if override.is_sweep_override():
            if not override.is_discrete_sweep():
                raise ConfigError(f"{key}: expected values to sweep over, found an interval")
            choices[key] = list(override.sweep_string_iterator())
        else:
            choices[key] = [override.get_value_element_as_str()]
    fixed = [] if choices.keys() & {"ckpt_path", "overwrite"} else ["ckpt_path=last"]
    told = [key for key, values in choices.items() if len(values) > 1 and key not in NAMED]
    runs = []
    for values in itertools.product(*choices.values()):
        run = dict(zip(choices, values, strict=True))
        variant = "".join(f"-{_as_file_name(f'{key}_{run[key]}')}" for key in told)
        named = [f"variant={variant}"] if variant and "variant" not in choices else []
        runs.append((*(f"{key}={value}" for key, value in run.items()), *fixed, *named))
    return runs


def _as_file_name(text: str) -> str:
    """Leave out what a shell or a file system may not like.

    >>> _as_file_name("optimizer.lr_0.01"), _as_file_name("peft.target_modules_[fc1,fc2]")
    ('optimizer.lr_0.01', 'peft.target_modules_fc1+fc2')
    """
    return re.sub(r"[^\w.+-]", "", text.replace(",", "+"))


def plan(
    runs: Sequence[tuple[str, ...]], compose: Callable[[Sequence[str]], DictConfig]
) -> list[PlannedRun]:
    """Compose all runs before any starts.

    Args:
        runs: Overrides of each.
        compose: Gives the settings for overrides, ``hydra`` left out.

    Raises:
        ConfigError: Two runs share a folder, or one would go on with a run of other settings.
        HydraException: Settings do not fit the configuration.
    """
    planned = []
    for overrides in runs:
        config = compose(overrides)
        folder = Path(config.paths.output_dir)
        if has_begun(folder) and not config.overwrite:
            _check_settings(config, folder)
        planned.append(PlannedRun(overrides, folder))
    folder, count = Counter(run.folder for run in planned).most_common(1)[0]
    if count > 1:
        raise ConfigError(
            f"name: expected a folder for each run, found {count} runs in {folder}: "
            f"leave name alone, or put what tells them apart in it"
        )
    return planned


def _check_settings(config: DictConfig, folder: Path) -> None:
    path = folder / ".hydra" / "config.yaml"
    if not path.exists():
        return
    before = _flat(OmegaConf.to_container(OmegaConf.load(path)))
    now = _flat(OmegaConf.to_container(config))
    for key in sorted(before.keys() & now.keys()):
        if before[key] != now[key] and not _INCIDENTAL.fullmatch(key):
            raise ConfigError(
                f"{folder}: expected the settings of the run found there, {key}={before[key]}, "
                f"found {key}={now[key]}: experiment_name=… takes another folder, "
                f"overwrite=true starts over"
            )


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Values by dotted name.

    >>> _flat({"seed": 1, "data": {"fold": 0}})
    {'seed': 1, 'data.fold': 0}
    """
    if not isinstance(settings, dict):
        return {prefix: settings}
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
