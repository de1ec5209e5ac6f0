"""What a PEFT method is."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from torch import Tensor

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError

_TRAINING_ONLY = re.compile(r"\w*dropout|lr_ratio")
"""Settings that say how a method trains, and nothing of what it computes once trained."""

LINEAR_PLACES = {
    **{name: f"self_attn.{name}" for name in ("q_proj", "k_proj", "v_proj", "out_proj")},
    **{"fc1": "fc1", "fc2": "fc2"},
}
"""Name of a block's linear layer, as ``target_modules`` names it, to where it is in the block."""


class PeftMethod(ABC):
    """A way to make a backbone trainable; subclasses are frozen dataclasses of their settings.

    Attributes:
        starts_as_identity: Whether a fresh method leaves the backbone's output as it was, but for
            rounding.
    """

    starts_as_identity: ClassVar[bool]

    @abstractmethod
    def apply(self, backbone: ESM2) -> Backbone:
        """Put the method into a backbone.

        Args:
            backbone: Changed in place.

        Returns:
            A backbone with the same contract, in which just the parameters of `parameter_names`
            require gradients. They are also what has to be saved.

        Raises:
            ConfigError: The settings do not fit the backbone.
        """

    @abstractmethod
    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """Names of the parameters that train, as in the backbone that `apply` returns."""

    @abstractmethod
    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """How many first blocks, the embedding before them included, give what they always gave.

        Of these the output for a sequence can be kept and used again.
        """

    def merge(self, backbone: Backbone) -> Backbone:
        """Fold the method into the weights for prediction, where that is possible.

        Args:
            backbone: What `apply` returned; its tensors are not written to, since other backbones
                may share them.
        """
        return backbone

    def average(
        self,
        others: Sequence[PeftMethod],
        weights: Sequence[Mapping[str, Tensor]],
        shares: Sequence[float],
    ) -> tuple[PeftMethod, dict[str, Tensor]]:
        """The mean of what this method and others have trained, number by number.

        Args:
            others: Methods of the same kind.
            weights: Tensors of `parameter_names`: of this one first, then of the others.
            shares: Weight of each in the mean; they sum to one.

        Returns:
            The method that has the mean, and its tensors.

        Raises:
            ConfigError: The others compute something else with what they have trained.
        """
        for other in others:
            if not self.computes_like(other):
                raise ConfigError(
                    f"peft: expected methods of the same settings to average, "
                    f"found {self.settings()} and {other.settings()}"
                )
        names = sorted(weights[0])
        return self, {name: mean_of([w[name] for w in weights], shares) for name in names}

    def rate_factor(self, name: str) -> float:  # noqa: ARG002
        """Factor of the learning rate for one of `parameter_names`."""
        return 1.0

    @property
    def name(self) -> str:
        """What configurations call the method: the name of its module."""
        return type(self).__module__.rpartition(".")[2]

    def settings(self) -> dict[str, Any]:
        """The settings as plain data, from which `peftsp.peft.registry.find_method` rebuilds it."""
        own = type(self)
        is_elsewhere = not own.__module__.startswith("peftsp.peft.")
        name = f"{own.__module__}:{own.__qualname__}" if is_elsewhere else self.name
        return {"method": name, **asdict(self)}  # type: ignore[call-overload]

    @property
    def label(self) -> str:
        """What run records and reports call the method."""
        return self.name

    def computes_like(self, other: PeftMethod) -> bool:
        """Whether what one has trained means the same in the other; dropout may differ."""
        return bool(_lasting(self.settings()) == _lasting(other.settings()))


def _lasting(value: Any) -> Any:
    if not isinstance(value, dict):
        return list(value) if isinstance(value, tuple) else value
    return {k: _lasting(v) for k, v in value.items() if not _TRAINING_ONLY.fullmatch(k)}


def mean_of(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Weighted mean of tensors of one shape.

    >>> mean_of([Tensor([0.0, 2.0]), Tensor([4.0, 2.0])], [0.75, 0.25])
    tensor([1., 2.])

    Args:
        tensors: float, all of one shape.
        shares: Weight of each; they sum to one.
    """
    weighted = [tensor * share for tensor, share in zip(tensors, shares, strict=True)]
    return torch.stack(weighted).sum(0)


def last_layers(spec: BackboneSpec, count: int | None, setting: str) -> range:
    """Indices of the last layers of a backbone.

    Args:
        spec: The backbone's sizes.
        count: How many; None for all.
        setting: What to call ``count`` in an error.

    Raises:
        ConfigError: The backbone has not that many layers.

    >>> last_layers(BackboneSpec("x", layers=6, width=8, heads=2), 2, "peft.last_k")
    range(4, 6)
    """
    if count is None:
        count = spec.layers
    if not 1 <= count <= spec.layers:
        raise ConfigError(
            f"{setting}: expected 1 to {spec.layers} layers of {spec.name}, found {count}"
        )
    return range(spec.layers - count, spec.layers)


def check_target_modules(names: Sequence[str]) -> None:
    """Check the names of a block's linear layers that a method changes.

    Args:
        names: The setting ``target_modules``, of `LINEAR_PLACES`.

    Raises:
        ConfigError: There are none, one is unknown or is there twice.
    """
    unknown = [name for name in names if name not in LINEAR_PLACES]
    if unknown or not names:
        raise ConfigError(
            f"peft.target_modules: expected some of {', '.join(LINEAR_PLACES)}, "
            f"found {', '.join(unknown) or 'none'}"
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"peft.target_modules: expected each once, found {', '.join(names)}")


def linear_layers(layers: range, target_modules: Sequence[str]) -> list[str]:
    """Names of linear layers in a backbone.

    >>> linear_layers(range(4, 6), ["q_proj", "fc1"])
    ['layers.4.self_attn.q_proj', 'layers.4.fc1', 'layers.5.self_attn.q_proj', 'layers.5.fc1']
    """
    return [f"layers.{layer}.{LINEAR_PLACES[name]}" for layer in layers for name in target_modules]


def check_positive(**settings: float) -> None:
    """Check that numbers are above zero.

    Raises:
        ConfigError: One is not; the message names it as a setting of the ``peft`` group.
    """
    for name, value in settings.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"peft.{name}: expected a number above 0, found {value}")
