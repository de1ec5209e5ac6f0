"""Learning rates of a model's parts: some methods, and what starts from nothing, learn faster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from peftsp.model.tagger import Tagger

OptimizerFactory = Callable[[Iterable[Tensor] | Iterable[dict[str, Any]]], Optimizer]

_BACKBONE = "backbone."


def rated_optimizer(tagger: Tagger, make: OptimizerFactory, head_factor: float) -> Optimizer:
    """An optimizer of all parameters that train.

    Args:
        tagger: The model; its method says which of its own parameters have another rate.
        make: Gives the optimizer for parameters, or for groups of them.
        head_factor: Factor of the learning rate for emission head and CRF.
    """
    trained = {name: p for name, p in tagger.named_parameters() if p.requires_grad}
    factors = {id(p): _factor(tagger, name, head_factor) for name, p in trained.items()}
    groups: dict[float, list[Tensor]] = {}
    for parameter in trained.values():
        groups.setdefault(factors[id(parameter)], []).append(parameter)
    if groups.keys() == {1.0}:
        return make(list(trained.values()))
    optimizer = make([{"params": part} for part in groups.values()])
    for group in optimizer.param_groups:
        # An optimizer may split groups, but joins none.
        group["lr"] *= factors[id(group["params"][0])]
    return optimizer


def _factor(tagger: Tagger, name: str, head_factor: float) -> float:
    if name.startswith(_BACKBONE):
        return tagger.method.rate_factor(name.removeprefix(_BACKBONE))
    return float(head_factor)


def kept_settings(optimizer: OptimizerFactory, head_factor: float) -> dict[str, Any]:
    """Settings that an optimizer's state keeps, whatever a later start says, by name.

    >>> from torch.optim import Adamax
    >>> kept_settings(partial(Adamax, lr=0.005), 2.0)["optimizer.lr"]
    0.005
    """
    made = optimizer if isinstance(optimizer, partial) else partial(optimizer)
    given = {name: _plain(value) for name, value in made.keywords.items()}
    return {
        "optimizer": getattr(made.func, "__qualname__", type(made.func).__name__),
        "learning_rate.head_factor": head_factor,
        **{f"optimizer.{name}": value for name, value in given.items() if value is not None},
    }


def _plain(value: object) -> object:
    """A number, a text or a list of such; None of anything else, which no checkpoint may hold."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    return None
