"""What a search varies, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from peftsp.errors import ConfigError

LAYERS = "layers"
"""Bound that stands for the number of layers of the backbone."""


def distributions_of(
    space: Mapping[str, Mapping[str, Any]], layers: int
) -> dict[str, BaseDistribution]:
    """Read a space as ``conf/hparams_search`` has it.

    >>> distributions_of({"peft.last_k": {"low": 1, "high": "layers"}}, 6)
    {'peft.last_k': IntDistribution(high=6, log=False, low=1, step=1)}

    Args:
        space: For each setting ``values``, or ``low`` and ``high`` with perhaps ``log`` or
            ``step``. Two whole bounds give whole numbers.
        layers: Of the backbone.

    Raises:
        ConfigError: A setting has other keys, or bounds that are none.
    """
    return {key: _distribution(key, bounds, layers) for key, bounds in space.items()}


def _distribution(key: str, bounds: Mapping[str, Any], layers: int) -> BaseDistribution:
    try:
        if "values" in bounds:
            return CategoricalDistribution(
                **{"choices" if k == "values" else k: v for k, v in bounds.items()}
            )
        named = {name: layers if value == LAYERS else value for name, value in bounds.items()}
        is_whole = isinstance(named["low"], int) and isinstance(named["high"], int)
        return IntDistribution(**named) if is_whole else FloatDistribution(**named)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"search.space.{key}: expected values, or low and high with log or step, "
            f"found {bounds} ({error})"
        ) from error


def suggest(trial: Trial, distributions: Mapping[str, BaseDistribution]) -> list[str]:
    """Overrides of the configuration with the values that a trial is to try."""
    chosen = {key: _value(trial, key, d) for key, d in distributions.items()}
    return [as_override(key, value) for key, value in chosen.items()]


def as_override(key: str, value: object) -> str:
    """As the command line has it.

    >>> as_override("peft.last_k", None), as_override("optimizer.lr", 1e-05)
    ('peft.last_k=null', 'optimizer.lr=1e-05')
    """
    return f"{key}={'null' if value is None else value}"


def _value(trial: Trial, key: str, distribution: BaseDistribution) -> object:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(key, choices)
        case IntDistribution(low=low, high=high, log=log, step=step):
            return trial.suggest_int(key, low, high, log=log, step=step)
        case FloatDistribution(low=low, high=high, log=log, step=step):
            return trial.suggest_float(key, low, high, log=log, step=step)
    raise TypeError(f"{key}: {distribution}")
