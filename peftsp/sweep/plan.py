"""The runs that a sweep asks for: their settings, and their folders told apart."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from peftsp.errors import ConfigError
from peftsp.runs.folder import RunFolder
from peftsp.runs.identity import Contents
from peftsp.training.build import settings_of

NAMED = frozenset({"backbone", "peft", "data", "data.fold", "seed", "experiment"})
"""What a run's name tells by itself."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        overrides: Of the configuration, as on the command line.
        folder: The run's.
        is_finished: Whether this very run has come to its end before.
        starts_over: Whether what the folder holds has to go before the run is launched; it cannot
            go later, as a run that is launched again, since it was preempted, goes on.
    """

    overrides: tuple[str, ...]
    folder: Path
    is_finished: bool = False
    starts_over: bool = False


def expand(overrides: Sequence[Override]) -> list[tuple[str, ...]]:
    """Overrides of each run, in the order of the command line, the last sweep varying fastest.

    Each run goes on from its last resume point, unless ``ckpt_path`` is given, and has what is
    swept beyond `NAMED` in its name.

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
    names = {key: key.lstrip("+") for key in choices}  # which add or override
    fixed = [] if "ckpt_path" in names.values() else ["ckpt_path=last"]
    told = [key for key, values in choices.items() if len(values) > 1 and names[key] not in NAMED]
    runs = []
    for values in itertools.product(*choices.values()):
        run = dict(zip(choices, values, strict=True))
        variant = "".join(f"-{_as_file_name(f'{key}_{run[key]}')}" for key in told)
        named = [f"variant={variant}"] if variant and "variant" not in names.values() else []
        runs.append((*(f"{key}={value}" for key, value in run.items()), *fixed, *named))
    return runs


def _as_file_name(text: str) -> str:
    """Leave out what a shell or a file system may not like.

    >>> _as_file_name("optimizer.lr_0.01"), _as_file_name("peft.target_modules_[fc1,fc2]")
    ('optimizer.lr_0.01', 'peft.target_modules_fc1+fc2')
    """
    return re.sub(r"[^\w.+-]", "", text.replace(",", "+"))


def plan(
    runs: Sequence[tuple[str, ...]],
    compose: Callable[[Sequence[str]], DictConfig],
    read_contents: Callable[[DictConfig], Contents],
) -> list[PlannedRun]:
    """Compose all runs before any starts.

    Args:
        runs: Overrides of each.
        compose: Gives the settings for overrides, resolved, ``hydra`` left out.
        read_contents: Gives what a run of such settings reads; asked where one has begun before.

    Raises:
        ConfigError: There is no run, or two share a folder.
        RunError: A run would go on with one of other settings, data or weights.
        HydraException: Settings do not fit the configuration.
    """
    planned = []
    for overrides in runs:
        cfg = compose(overrides)
        folder = RunFolder(Path(cfg.paths.output_dir))
        is_finished = False
        starts_over = "overwrite=true" in {o.lower().lstrip("+") for o in overrides}
        if folder.has_begun and not starts_over:
            settings, contents = settings_of(cfg), read_contents(cfg)
            if not cfg.overwrite:
                folder.check(settings, contents)
            is_finished = folder.is_finished and folder.is_same(settings, contents)
        planned.append(PlannedRun(overrides, folder.path, is_finished, starts_over))
    if not planned:
        raise ConfigError("expected a sweep of one run or more, found one of none")
    path, count = Counter(run.folder for run in planned).most_common(1)[0]
    if count > 1:
        raise ConfigError(
            f"name: expected a folder for each run, found {count} runs in {path}: "
            f"leave name alone, or put what tells them apart in it"
        )
    return planned
